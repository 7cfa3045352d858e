"""A client that speaks the wire by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from csm_engine.protocol import PATH, SessionConfig, SessionReady, server_message
from tests.csm_tts.conftest import KEY
from tests.serving.wire import Wire, connected


@asynccontextmanager
async def wire(
    http: aiohttp.ClientSession, url: str, config: SessionConfig | None = None, key: str = KEY
) -> AsyncIterator[Wire]:
    """Connected; and configured, if `config` is given."""
    async with connected(http, url + PATH, key, server_message) as client:
        if config is not None:
            await client.send(config)
            assert isinstance(await client.receive(), SessionReady)
        yield client
