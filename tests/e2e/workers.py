"""Workers that are started by hand, as a developer or a deployment does."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from parley.settings import ROOT

START = ("-m", "agent", "start")


@asynccontextmanager
async def worker(
    environment: Mapping[str, str],
    *command: str,
    stop: signal.Signals = signal.SIGINT,
    screen: int = PIPE,
    keys: int = DEVNULL,
) -> AsyncGenerator[Process]:
    """A worker in a session of its own. Leaving asks it to stop and sees that it does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command),
        cwd=ROOT,
        env=environment,
        stdin=keys,
        stdout=screen,
        stderr=STDOUT,
        start_new_session=True,
    )
    try:
        yield process
        process.send_signal(stop)
        async with asyncio.timeout(15):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def line_with(process: Process, words: bytes) -> None:
    """Read what it writes up to a line with these words."""
    assert process.stdout is not None
    async for line in process.stdout:
        if words in line:
            return
    raise AssertionError(f"it ended without {words!r}")
