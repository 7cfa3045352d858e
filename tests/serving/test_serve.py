"""The server as a process: SIGTERM, a second one, a port that is taken."""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from parley_serving.server import open_listener
from tests.serving.echo import PATH

SECONDS = 20.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def echo_process(port: int) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.serving.echo", str(port), stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(SECONDS):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ready(process: Process) -> None:
    assert process.stderr is not None
    async for line in process.stderr:
        if b"ready" in line:
            return
    raise AssertionError("it ended before it was ready")


@asynccontextmanager
async def held_call(port: int) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{port}{PATH}"
        while True:
            try:
                call = await http.ws_connect(url)
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.02)  # it says "ready" a moment before it listens
            else:
                break
        async with call:
            yield call


async def test_sigterm_lets_a_call_finish_and_then_ends_cleanly() -> None:
    port = free_port()
    async with echo_process(port) as process:
        await ready(process)
        async with held_call(port) as call:
            process.send_signal(signal.SIGTERM)
            async with aiohttp.ClientSession() as http:
                await until_full(http, port)
            await call.send_bytes(b"\0")
            assert await call.receive_bytes() == b"\0"
            assert process.returncode is None
        assert await process.wait() == 0


async def test_a_second_sigterm_does_not_wait() -> None:
    port = free_port()
    async with echo_process(port) as process:
        await ready(process)
        async with held_call(port) as call:
            process.send_signal(signal.SIGTERM)
            async with aiohttp.ClientSession() as http:
                await until_full(http, port)
            process.send_signal(signal.SIGTERM)
            await process.wait()
            assert (await call.receive()).type is not aiohttp.WSMsgType.BINARY


async def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with echo_process(port) as process:
            _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().splitlines() == [
        f"cannot listen on 127.0.0.1:{port}: Address already in use"
    ]


async def until_full(http: aiohttp.ClientSession, port: int) -> None:
    """Returns once the process has taken the signal: it says that it is not ready any more."""
    while True:
        async with http.get(f"http://127.0.0.1:{port}/ready") as response:
            if response.status == 503:
                return
        await asyncio.sleep(0.01)


pytestmark = pytest.mark.engine


def test_small_messages_are_not_held_back_for_an_acknowledgement() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
