"""A client that speaks the wire by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from pydantic import BaseModel

from tests.whisper_stt.conftest import KEY
from whisper_engine.protocol import PATH, Ready, Start, server_message

SECONDS = 10.0
PIECE = 1280


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

    async def say(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), PIECE):
            await self.websocket.send_bytes(pcm[start : start + PIECE])

    async def receive(self) -> Any:
        """A message, or the code with which the engine closed the socket."""
        async with asyncio.timeout(SECONDS):
            got = await self.websocket.receive()
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
    http: aiohttp.ClientSession, url: str, start: Start | None = None
) -> AsyncIterator[Wire]:
    """Connected; and started, if `start` is given."""
    headers = {"Authorization": f"Bearer {KEY}"}
    async with http.ws_connect(url + PATH, headers=headers, max_msg_size=0) as websocket:
        client = Wire(websocket)
        if start is not None:
            await client.send(start)
            assert isinstance(await client.receive(), Ready)
        yield client
