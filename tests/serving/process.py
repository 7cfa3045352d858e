"""An engine as the process that people run."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import aiohttp

from tests.fakes.processes import ended

SECONDS = 20.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free: int = listener.getsockname()[1]
        return free


@asynccontextmanager
async def engine_process(module: str, port: int, **settings: str) -> AsyncIterator[Process]:
    """`python -m MODULE serve` on `port`, ready; killed at the end of the block if it still runs.

    `settings` are environment variables.
    """
    command = (sys.executable, "-m", module, "serve")
    async with ready_process(command, f"http://127.0.0.1:{port}", settings) as process:
        yield process


@asynccontextmanager
async def ready_process(
    command: Sequence[str], url: str, settings: Mapping[str, str], *, seconds: float = SECONDS
) -> AsyncIterator[Process]:
    """The same of any command, that answers at `url` within so many seconds."""
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | settings, stderr=DEVNULL
    )
    async with ended(process):
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as http:
            await _until_ready(http, f"{url}/ready")
        yield process


async def _until_ready(http: aiohttp.ClientSession, url: str) -> None:
    while True:
        try:
            async with http.get(url) as response:
                assert response.status == 200
                return
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.05)  # it tells nobody when it begins to listen
