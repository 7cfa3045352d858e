"""A client that speaks the wire by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.serving.wire import Wire, connected
from tests.whisper_stt.conftest import KEY
from whisper_engine.protocol import PATH, Ready, Start, server_message


@asynccontextmanager
async def wire(
    http: aiohttp.ClientSession, url: str, start: Start | None = None
) -> AsyncIterator[Wire]:
    """Connected; and started, if `start` is given."""
    async with connected(http, url + PATH, KEY, server_message) as client:
        if start is not None:
            await client.send(start)
            assert isinstance(await client.receive(), Ready)
        yield client
