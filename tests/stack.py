"""A stack of its own for a test: `parley up` on free ports, in a folder that the test throws away."""

import asyncio
import contextlib
import json
import os
import random
import secrets
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from livekit import api

from parley.ports import Ports
from parley.probes import is_free
from parley.settings import BLOCK

STARTING = 90.0
STOPPING = 40.0


def free_block() -> int:
    """The first of 500 ports, those that are listened on free.

    All are below those that Linux gives to whoever asks for any, which are taken and free by the moment.
    """
    for _ in range(100):
        base = random.randrange(11_000, 32_000, BLOCK)
        block = Ports.block(base)
        if all(is_free(port, socket.SOCK_STREAM) for port in (base, block.sip, block.worker)):
            return base
    raise RuntimeError("no free ports between 11000 and 32500")


@dataclass
class Stack:
    """A running `parley up`; `environment` is what it was started with, secrets included."""

    process: Process
    folder: Path
    environment: dict[str, str]
    terminal: Path

    @property
    def facts(self) -> dict[str, Any]:
        """stack.json, as others find it."""
        facts: dict[str, Any] = json.loads((self.folder / "stack.json").read_text())
        return facts

    def pid(self, part: str) -> int:
        pid: int = self.facts["parts"][part]["pid"]
        return pid

    def livekit(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(
            self.facts["livekit_url"],
            self.environment["LIVEKIT_API_KEY"],
            self.environment["LIVEKIT_API_SECRET"],
        )

    def said(self) -> str:
        """All that it has written to its terminal."""
        return self.terminal.read_text()

    async def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Returns its exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        async with asyncio.timeout(STOPPING):
            return await self.process.wait()

    async def starting(self) -> None:
        """Until a call can come. Raises RuntimeError with what it said when it ends instead."""
        ended = asyncio.ensure_future(self.process.wait())
        try:
            async with asyncio.timeout(STARTING):
                while not (self.folder / "stack.json").exists():
                    await asyncio.wait({ended}, timeout=0.1)
                    if ended.done():
                        raise RuntimeError(f"parley up ended while starting: {self.said()}")
        finally:
            ended.cancel()


async def gone(process: psutil.Process) -> None:
    """An orphan is gone for us when only its init has not noticed yet."""
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)


def environment_for(folder: Path, **settings: str) -> dict[str, str]:
    """Fresh keys, free ports; `settings` go over them. The checkout's own .env is left alone."""
    (folder / "env").touch()
    return {
        **{key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
        "PARLEY_ENV_FILE": str(folder / "env"),
        "PARLEY_RUN_DIR": str(folder / "run"),
        "PARLEY_PORT_BASE": str(free_block()),
        "PARLEY_SIP_USERNAME": "caller",
        "PARLEY_SIP_PASSWORD": secrets.token_hex(12),
        "PARLEY_ENGINE_KEY": secrets.token_hex(24),
        "LIVEKIT_API_KEY": "APItest",
        "LIVEKIT_API_SECRET": secrets.token_hex(24),
        **settings,
    }


async def start_parley(environment: dict[str, str]) -> Stack:
    """At once, up or not."""
    handle, terminal = tempfile.mkstemp(
        prefix="terminal-", dir=Path(environment["PARLEY_ENV_FILE"]).parent
    )
    with open(handle, "wb") as out:  # noqa: ASYNC230  an open handle, made above
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "parley", "up"),
            env=environment,
            stdout=out,
            stderr=asyncio.subprocess.STDOUT,
        )
    return Stack(process, Path(environment["PARLEY_RUN_DIR"]), environment, Path(terminal))


@contextlib.asynccontextmanager
async def parley_up(folder: Path, **settings: str) -> AsyncIterator[Stack]:
    """Inside, a call can come. Leaving stops it, if the test has not."""
    stack = await start_parley(environment_for(folder, **settings))
    try:
        await stack.starting()
        yield stack
    finally:
        if stack.process.returncode is None:
            await stack.stop()
