"""Processes of a test's own."""

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def ended(
    process: Process, by: signal.Signals = signal.SIGKILL, *, patience: float | None = None
) -> AsyncIterator[Process]:
    """Gone after the block, whatever happens in it. Raises TimeoutError when it outlives the signal by
    `patience` seconds."""
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(by)
        async with asyncio.timeout(patience):
            await process.wait()
