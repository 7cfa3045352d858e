"""An engine of another machine's: in another network, behind a rough line."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes.rough_network import RoughNetwork
from tests.serving.process import ready_process
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
    url = f"http://{rough.far}:{port}"
    command = rough.inside(sys.executable, "-m", module, "serve")
    async with ready_process(command, url, own | settings, seconds=STARTING):
        yield url
