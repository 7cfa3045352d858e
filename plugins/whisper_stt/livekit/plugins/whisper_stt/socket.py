"""The engine's socket, typed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
from livekit.agents import APIConnectionError, APIError
from livekit.plugins.whisper_stt.errors import api_errors
from pydantic import BaseModel, ValidationError

from whisper_engine.protocol import (
    MAX_MESSAGE_BYTES,
    PATH,
    Cancel,
    End,
    Failed,
    Flush,
    Ready,
    ServerMessage,
    Start,
    server_message,
)

_GOODBYE_SECONDS = 1.0
_HEARTBEAT_SECONDS = 10.0
"""An engine that has vanished without a word is noticed within one and a half of these."""


@dataclass(frozen=True)
class Address:
    """An engine's, without a slash at its end, and its bearer key."""

    url: str
    key: str | None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


class EngineSocket:
    """Open with `connect`. `model` is what the engine says it runs. Every failure is an APIError."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse, ready: Ready) -> None:
        self._websocket = websocket
        self.session_id = ready.session_id
        self.model = ready.model

    async def send_audio(self, pcm: bytes) -> None:
        """s16le, mono, 16 kHz, any length. Waits while the engine does not read."""
        with api_errors("sound was sent"):
            for start in range(0, len(pcm), MAX_MESSAGE_BYTES):
                await self._websocket.send_bytes(pcm[start : start + MAX_MESSAGE_BYTES])

    async def send(self, message: Flush | Cancel | End) -> None:
        with api_errors("a message was sent"):
            await self._websocket.send_str(message.model_dump_json())

    async def receive(self) -> ServerMessage:
        """Raises APIError for a `Failed` and for a closed socket."""
        with api_errors("an answer was awaited"):
            message = _understood(await self._websocket.receive())
        if isinstance(message, Failed):
            raise APIError(f"Whisper engine: {message.message}", retryable=message.retryable)
        return message


@contextlib.asynccontextmanager
async def connect(
    http: aiohttp.ClientSession, address: Address, start: Start, timeout: float
) -> AsyncIterator[EngineSocket]:
    """`timeout` covers everything until the engine is ready, in seconds."""
    async with contextlib.AsyncExitStack() as stack:
        with api_errors("a socket was opened"):
            async with asyncio.timeout(timeout):
                opening = http.ws_connect(
                    address.url + PATH,
                    headers=address.headers,
                    max_msg_size=4 * MAX_MESSAGE_BYTES,
                    heartbeat=_HEARTBEAT_SECONDS,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_GOODBYE_SECONDS),
                )
                websocket = await stack.enter_async_context(opening)
                await websocket.send_str(start.model_dump_json())
                ready = _ready(_understood(await websocket.receive()))
        yield EngineSocket(websocket, ready)


def _ready(message: BaseModel) -> Ready:
    match message:
        case Ready():
            return message
        case Failed(message=reason, retryable=retryable):
            raise APIError(f"Whisper engine: {reason}", retryable=retryable)
        case _:
            raise APIError("the Whisper engine speaks another protocol", retryable=False)


def _understood(message: aiohttp.WSMessage) -> ServerMessage:
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise APIConnectionError("the Whisper engine hung up")
    try:
        return server_message.validate_json(message.data)
    except ValidationError as error:
        raise APIError("the Whisper engine speaks another protocol", retryable=False) from error
