"""A client that speaks the wire by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from pydantic import BaseModel

from csm_engine.protocol import PATH, SessionConfig, SessionReady, server_message
from tests.csm_tts.conftest import KEY

SECONDS = 10.0


class Wire:
    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self.websocket = websocket

    async def send(self, *messages: BaseModel | str | bytes) -> None:
        for message in messages:
            if isinstance(message, bytes):
                await self.websocket.send_bytes(message)
            else:
                text = message if isinstance(message, str) else message.model_dump_json()
                await self.websocket.send_str(text)

    async def receive(self) -> Any:
        """A message, the bytes of a frame, or the code with which the engine closed the socket."""
        async with asyncio.timeout(SECONDS):
            got = await self.websocket.receive()
        if got.type is aiohttp.WSMsgType.BINARY:
            return got.data
        if got.type is aiohttp.WSMsgType.TEXT:
            return server_message.validate_json(got.data)
        return self.websocket.close_code

    async def until(self, kind: type[BaseModel]) -> list[Any]:
        """All that comes up to and with the first message of this kind."""
        got: list[Any] = []
        while not got or not isinstance(got[-1], kind | int):
            got.append(await self.receive())
        assert isinstance(got[-1], kind), got[-1]
        return got


@asynccontextmanager
async def wire(
    http: aiohttp.ClientSession, url: str, config: SessionConfig | None = None, key: str = KEY
) -> AsyncIterator[Wire]:
    """Connected; and configured, if `config` is given."""
    headers = {"Authorization": f"Bearer {key}"}
    async with http.ws_connect(url + PATH, headers=headers, max_msg_size=0) as websocket:
        client = Wire(websocket)
        if config is not None:
            await client.send(config)
            assert isinstance(await client.receive(), SessionReady)
        yield client
