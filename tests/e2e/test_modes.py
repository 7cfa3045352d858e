"""The worker by hand: console, dev and start, as a developer or a deployment runs it."""

import asyncio
import os
import pty
import signal
import socket
import sys
from asyncio import StreamReader
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from agent.config import AGENT_NAME
from parley.settings import ROOT
from parley.worker import worker_environment
from tests.e2e.console import listening
from tests.e2e.lk import driving
from tests.e2e.workers import START, line_with, worker
from tests.livekit_server import livekit_server
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

AGENT = ("-m", "agent")
FRAMEWORK = ("-m", "livekit.agents")
FRAMEWORK_START = (*FRAMEWORK, "start", "agent/worker.py")
WITHOUT_CALLS = {"AGENT_IDLE_PROCESSES": "0"}
"""A worker that ends while it starts processes for calls takes its time, and no call comes."""

NOBODY = {
    "PATH": os.environ["PATH"],
    "LIVEKIT_URL": "ws://127.0.0.1:9",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "x" * 32,
}
"""A LiveKit that is not there: enough for a worker that refuses to start."""


async def test_a_question_at_the_console_is_heard_and_answered_aloud(parley: Stack) -> None:
    environment = worker_environment(parley.environment)
    async with listening() as console:
        command = (*FRAMEWORK, "console", "agent/worker.py", "--connect-addr", console.address)
        async with worker(environment, *command, screen=DEVNULL):
            await console.until(lambda: len(console.words) == 1)
            greeted = console.heard_seconds
            assert "Harbor Dental" in console.words[0]
            assert greeted > 1.5
            assert console.loudness(since=0) > 500
            await console.say("what is your address")
            await console.until(lambda: len(console.words) == 3)
            assert console.words[1] == "what is your address"
            assert "Water Street" in console.words[2]
            assert console.heard_seconds - greeted > 2.0
            assert console.loudness(since=greeted) > 500


async def test_a_question_typed_at_the_console_is_answered(parley: Stack) -> None:
    environment = worker_environment(parley.environment) | {"TERM": "xterm", "COLUMNS": "200"}
    command = (*AGENT, "console", "--text")
    async with (
        terminal() as (screen, keys, its_end),
        worker(environment, *command, screen=its_end, keys=its_end),
    ):
        # It drops keys pressed before its first picture; by the greeting that is long drawn.
        await screen.readuntil(b"agent.conversation")
        os.write(keys, b"what is your address\r")
        await screen.readuntil(b"Water Street")


@asynccontextmanager
async def terminal() -> AsyncGenerator[tuple[StreamReader, int, int]]:
    """What appears on its screen, its keys, and the end for a program to run in it."""
    ours, theirs = pty.openpty()
    screen = StreamReader(limit=2**22)  # it redraws itself all the time
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(screen), os.fdopen(ours, "rb", buffering=0)
    )
    try:
        yield screen, ours, theirs
    finally:
        transport.close()
        os.close(theirs)


@pytest.mark.parametrize("command", [START, FRAMEWORK_START], ids=["agent", "livekit"])
async def test_a_started_worker_is_ready_once_registered(
    parley: Stack, command: tuple[str, ...]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = worker_environment(parley.environment) | WITHOUT_CALLS
    environment["AGENT_HEALTH_PORT"] = str(port)
    started = worker(environment, *command, stop=signal.SIGTERM)
    async with started as process, aiohttp.ClientSession() as http:
        await line_with(process, b"registered worker")
        assert (await http.get(f"http://127.0.0.1:{port}/ready")).status == 200
        assert (await http.get(f"http://127.0.0.1:{port}/calls")).status == 200


async def test_dev_starts_again_when_code_changes(parley: Stack) -> None:
    command = ("-m", "parley", "worker", "dev")
    async with worker(parley.environment, *command) as process:
        await line_with(process, b"registered worker")
        (ROOT / "agent" / "__init__.py").touch()
        await line_with(process, b"code has changed")
        await line_with(process, b"registered worker")


@pytest.mark.timeout(240)  # two workers are started, one after the other
async def test_lk_agent_dev_starts_it_and_starts_it_again_when_code_changes(
    tmp_path: Path,
) -> None:
    async with livekit_server(tmp_path) as server, driving() as lk:
        environment = worker_environment(server.environment) | WITHOUT_CALLS
        command = (*FRAMEWORK_START, "--dev", "--cli-addr", lk.address)
        async with worker(environment, *command) as process:
            channel = await lk.next()
            info = await channel.introduced()
            assert (info.agent_name, info.url) == (AGENT_NAME, environment["LIVEKIT_URL"])
            await line_with(process, b"registered worker")
            jobs = await channel.jobs()
            assert jobs == []
        async with worker(environment, *command) as process:
            await (await lk.next()).introduced(jobs)
            await line_with(process, b"registered worker")


@pytest.mark.parametrize(
    ("command", "change", "sentence"),
    [
        (START, {"AGENT_VAD": "loud"}, "AGENT_VAD: Input should be 'bundled' or 'silero'"),
        (START, {"LIVEKIT_URL": ""}, "set LIVEKIT_URL"),
        (FRAMEWORK_START, {"LIVEKIT_API_KEY": ""}, "set LIVEKIT_API_KEY"),
        (FRAMEWORK_START, {"AGENT_CALLS": "9"}, "AGENT_CALLS: there is no such setting"),
        (FRAMEWORK_START, {"AGENT_HEALTH_HOST": "0.0.0.0"}, "needs health_key"),
        (FRAMEWORK_START, {"AGENT_HEALTH_PORT": "taken"}, "set AGENT_HEALTH_PORT"),
    ],
)
async def test_a_worker_that_cannot_start_says_one_sentence(
    command: tuple[str, ...], change: dict[str, str], sentence: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        if "AGENT_HEALTH_PORT" in change:
            change = {"AGENT_HEALTH_PORT": str(taken.getsockname()[1])}
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=ROOT, env=NOBODY | change, stdout=PIPE, stderr=STDOUT
        )
        said, _ = await process.communicate()
    assert process.returncode not in {0, None}
    assert sentence in said.decode()
    assert said.count(b"\n") == 1
