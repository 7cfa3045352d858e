"""Keeps redis writing when its disk is full: it would refuse whatever changes, and so every new call."""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from ssl import SSLContext

from parley.probes import HOST, PATIENCE

logger = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks."""

ROOM = 8 * 1024 * 1024
"""Bytes that must be free on its disk before it is told to keep its data there again: more than
LiveKit has there of a thousand calls."""

REFUSES = b"-MISCONF"
"""How it answers a PING, too, while it cannot write its append-only file."""


def keeper(port: int, tls: SSLContext | None, folder: Path) -> Callable[[], Awaitable[None]]:
    """`run` on the redis at that port of this machine, whose data is in `folder`."""
    return partial(run, port, tls, folder)


async def run(port: int, tls: SSLContext | None, folder: Path) -> None:
    """Until cancelled. A redis that is away is looked at again."""
    while True:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await _look(port, tls, folder)
        await asyncio.sleep(EVERY)


async def _look(port: int, tls: SSLContext | None, folder: Path) -> None:
    """What it does is asked of it each time: it may be another process than it was."""
    reader, writer = await asyncio.open_connection(HOST, port, ssl=tls)
    with contextlib.closing(writer):
        writer.write(b"PING\r\n")
        if (await reader.readline()).startswith(REFUSES):
            await _keep(reader, writer, "no")
            logger.error("the disk is full: redis keeps its data in memory alone")
            return
        writer.write(b"CONFIG GET appendonly\r\n")
        *_, keeps = [(await reader.readline()).strip() for _ in range(5)]
        if keeps == b"no" and shutil.disk_usage(folder).free >= ROOM:
            await _keep(reader, writer, "yes")
            logger.warning("redis keeps its data on the disk again")


async def _keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: str) -> None:
    """Raises EOFError when it does not do so."""
    writer.write(f"CONFIG SET appendonly {answer}\r\n".encode())
    if not (await reader.readline()).startswith(b"+OK"):
        raise EOFError
