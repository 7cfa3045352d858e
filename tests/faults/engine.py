"""An engine of another machine's: in another network, behind a rough line."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.fakes.rough_network import RoughNetwork
from tests.stack import free_block

KEY = "sesame"
STARTING = 60.0

_PREFIXES = {"csm_engine": "CSM", "whisper_engine": "WHISPER"}


@asynccontextmanager
async def far_engine(rough: RoughNetwork, module: str, **settings: str) -> AsyncIterator[str]:
    """Its URL; it answers. `settings` are environment variables."""
    port = free_block()
    listen = {"HOST": rough.far, "PORT": str(port), "KEY": KEY}
    own = {f"{_PREFIXES[module]}_LISTEN__{name}": value for name, value in listen.items()}
    process = await asyncio.create_subprocess_exec(
        *rough.inside(sys.executable, "-m", module, "serve"),
        env=os.environ | own | settings,
        stderr=DEVNULL,
    )
    try:
        url = f"http://{rough.far}:{port}"
        async with asyncio.timeout(STARTING), aiohttp.ClientSession() as http:
            await _until_ready(http, f"{url}/ready")
        yield url
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
            await asyncio.sleep(0.1)  # it tells nobody when it begins to listen
