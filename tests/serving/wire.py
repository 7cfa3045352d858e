"""A client that speaks an engine's wire by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from pydantic import BaseModel, TypeAdapter

SECONDS = 10.0
PIECE = 1280
"""Bytes in which sound is sent: 40 ms at 16 kHz."""


class Wire:
    def __init__(self, websocket: aiohttp.ClientWebSocketResponse, replies: TypeAdapter) -> None:
        self.websocket = websocket
        self._replies = replies

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
        """A message, the bytes of a frame, or the code with which the engine closed the socket."""
        async with asyncio.timeout(SECONDS):
            got = await self.websocket.receive()
        if got.type is aiohttp.WSMsgType.BINARY:
            return got.data
        if got.type is aiohttp.WSMsgType.TEXT:
            return self._replies.validate_json(got.data)
        return self.websocket.close_code

    async def until(self, kind: type[BaseModel]) -> list[Any]:
        """All that comes up to and with the first message of this kind."""
        got: list[Any] = []
        while not got or not isinstance(got[-1], kind | int):
            got.append(await self.receive())
        assert isinstance(got[-1], kind), got[-1]
        return got


@asynccontextmanager
async def connected(
    http: aiohttp.ClientSession, url: str, key: str, replies: TypeAdapter
) -> AsyncIterator[Wire]:
    headers = {"Authorization": f"Bearer {key}"}
    async with http.ws_connect(url, headers=headers, max_msg_size=0) as websocket:
        yield Wire(websocket, replies)
