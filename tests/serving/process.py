"""An engine as the process that people run."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

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
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, "serve"), env=os.environ | settings, stderr=DEVNULL
    )
    try:
        async with asyncio.timeout(SECONDS), aiohttp.ClientSession() as http:
            await _until_ready(http, f"http://127.0.0.1:{port}/ready")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _until_ready(http: aiohttp.ClientSession, url: str) -> None:
    while True:
        try:
            async with http.get(url) as response:
                assert response.status == 200
                return
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.05)  # it tells nobody when it begins to listen
