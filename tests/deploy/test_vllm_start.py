"""`deploy/vllm/start.py`: its command, and that calls wait until a warm answer has come."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from parley.plan.asking import Words, asked_by
from parley.plan.budget import make_plan
from parley.plan.gpus import GPUS
from parley.plan.page import command as planned_command
from tests.fakes.processes import ended

FOLDER = Path(__file__).parents[2] / "deploy" / "vllm"
PATIENCE = 90.0

VLLM = """#!{python}
import json, pathlib, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

told = pathlib.Path({told!r})
words = sys.argv[1:]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply(200 if (told / "up").exists() else 503)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        (told / "asked.json").write_bytes(body)
        (told / "key").write_text(self.headers["Authorization"])
        self.reply(200)

    def reply(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(words[words.index("--port") + 1])), Handler).serve_forever()
"""
"""Answers as vLLM does: 503 at /health until it is up (here: a file is there)."""


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


async def start(*words: str, **environment: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(FOLDER / "start.py"),
        *words,
        env={**os.environ, **environment},
        stdout=PIPE,
        stderr=DEVNULL,
    )


async def dry(*words: str) -> list[str]:
    process = await start(*words, "--dry-run")
    out, _ = await process.communicate()
    assert process.returncode == 0
    return [str(word) for word in json.loads(out)]


async def test_gemma_gets_our_template_and_what_a_telephone_wants() -> None:
    words = await dry("google/gemma-3-27b-it", "--max-num-seqs", "19")
    assert words[:3] == ["vllm", "serve", "google/gemma-3-27b-it"]
    told = dict(zip(words, [*words[1:], ""], strict=True))
    assert Path(told["--chat-template"]).name == "gemma3_telephone.jinja"
    assert told["--tool-call-parser"] == "pythonic"
    assert told["--scheduling-policy"] == "priority"
    assert told["--host"] == "127.0.0.1"
    assert told["--max-num-queued-reqs"] == "76"
    assert "--enable-prefix-caching" in words


async def test_other_models_keep_their_own_template_and_what_is_given_goes_first() -> None:
    words = await dry("Qwen/Qwen3-8B", "--scheduling-policy=fcfs", "--tool-call-parser", "hermes")
    assert "--chat-template" not in words
    assert "--scheduling-policy" not in words
    assert words.count("--tool-call-parser") == 1


async def test_a_plans_line_is_taken_whole() -> None:
    plan = make_plan(asked_by(Words(bits=8), [GPUS["h200"]]))
    line = planned_command(plan).partition("start.py ")[2].split()
    words = await dry(*line)
    assert words[3 : 3 + len(line) - 1] == line[1:]
    flags = [word for word in words if word.startswith("--")]
    assert len(flags) == len(set(flags))


@pytest.mark.parametrize("words", [("m", "--host", "0.0.0.0"), ("m", "--warm", "/nowhere.txt")])
async def test_what_is_dangerous_or_missing_is_refused(words: tuple[str, ...]) -> None:
    process = await start(*words, "--dry-run", VLLM_API_KEY="")
    assert (await process.communicate())[0] == b""
    assert process.returncode == 2


@contextlib.asynccontextmanager
async def started(folder: Path, ready: int) -> AsyncIterator[Process]:
    program = folder / "vllm"
    program.write_text(VLLM.format(python=sys.executable, told=str(folder)))
    program.chmod(0o755)
    warm = folder / "persona.txt"
    warm.write_text("You answer for Harbor Dental.")
    process = await start(
        "gemma-3",
        *("--port", str(free_port()), "--ready-port", str(ready), "--warm", str(warm)),
        PATH=f"{folder}:{os.environ['PATH']}",
        VLLM_API_KEY="a-key",
    )
    async with ended(process, signal.SIGTERM, patience=PATIENCE):
        yield process


async def becomes(url: str, status: int) -> None:
    """Polls a process that cannot tell."""
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as http:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(url) as reply:
                    if reply.status == status:
                        return
            await asyncio.sleep(0.05)


@pytest.mark.timeout(180)
async def test_it_is_ready_when_the_warm_answer_has_come_and_ends_with_a_signal(
    tmp_path: Path,
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/ready"
    async with started(tmp_path, port) as process:
        await becomes(url, 503)
        assert not (tmp_path / "asked.json").exists()
        (tmp_path / "up").touch()
        await becomes(url, 200)
        asked = json.loads((tmp_path / "asked.json").read_text())
        assert asked["messages"][0]["content"] == "You answer for Harbor Dental."
        assert (tmp_path / "key").read_text() == "Bearer a-key"
        (tmp_path / "up").unlink()
        await becomes(url, 503)
    assert process.returncode == 128 + signal.SIGTERM
