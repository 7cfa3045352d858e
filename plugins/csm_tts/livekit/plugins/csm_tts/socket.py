"""The engine's socket: one conversation, one utterance at a time."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Self

import aiohttp
from livekit.agents import APIConnectionError, APIError
from livekit.plugins.csm_tts.errors import api_errors
from pydantic import ValidationError

from csm_engine.protocol import (
    MAX_MESSAGE_BYTES,
    PATH,
    AudioDone,
    AudioStart,
    ContextAppend,
    Failed,
    InputCancel,
    InputDone,
    InputText,
    SessionClose,
    SessionConfig,
    SessionDone,
    SessionReady,
    server_message,
)

_INBOX = 8
"""Messages of the utterance that wait to be taken; the socket is not read past them."""
_RECEIVE_BUFFER = 64 * 1024
"""Bytes the kernel may hold for us, about a second of speech; left alone it takes half a minute."""
_GOODBYE_SECONDS = 1.0

Event = bytes | AudioDone | Failed
Told = InputText | InputDone | InputCancel | ContextAppend | SessionClose


@dataclass(frozen=True)
class Address:
    """An engine's, without a slash at its end, and its bearer key."""

    url: str
    key: str | None


class EngineSocket:
    """Open one with `open`; `lost` says why it is of no more use."""

    def __init__(
        self, websocket: aiohttp.ClientWebSocketResponse, url: str, ready: SessionReady
    ) -> None:
        self._websocket = websocket
        self.url = url
        self.model = ready.model
        self.resumed = ready.resumed
        self.lost: APIError | None = None
        self._current: Utterance | None = None
        self._sounding = ""
        self._reader = asyncio.create_task(self._read(), name="csm_tts.read")

    @classmethod
    async def open(
        cls, http: aiohttp.ClientSession, address: Address, config: SessionConfig, timeout: float
    ) -> Self:
        """Raises APIError. `timeout` covers everything until the engine is ready, in seconds."""
        headers = {"Authorization": f"Bearer {address.key}"} if address.key else {}
        with api_errors("a socket was opened"):
            async with asyncio.timeout(timeout):
                websocket = await http.ws_connect(
                    address.url + PATH,
                    headers=headers,
                    max_msg_size=4 * MAX_MESSAGE_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_GOODBYE_SECONDS),
                )
                _hold_little(websocket)
                try:
                    await websocket.send_str(config.model_dump_json(exclude_none=True))
                    ready = _understood(await websocket.receive())
                except BaseException:
                    await websocket.close()
                    raise
        if not isinstance(ready, SessionReady):
            await websocket.close()
            raise _error_of(ready) if isinstance(ready, Failed) else _hung_up()
        return cls(websocket, address.url, ready)

    @contextlib.asynccontextmanager
    async def utterance(
        self, id: str, played: Callable[[str], float]
    ) -> AsyncIterator["Utterance"]:
        """Leaving it before the utterance has ended cancels it; what still comes of it is dropped.

        `played` says how many seconds of it can have been heard by then.
        """
        utterance = self._current = Utterance(id, self)
        try:
            yield utterance
        finally:
            self._current = None
            utterance.drop()
            if utterance.open and self.lost is None:
                await self._cancel(InputCancel(utterance=id, played_ms=int(played(id) * 1000)))

    async def send(self, message: Told | bytes) -> None:
        """Bytes are the caller's sound. Raises APIError."""
        if self.lost is not None:
            raise self.lost
        try:
            with api_errors("text was sent"):
                if isinstance(message, bytes):
                    await self._websocket.send_bytes(message)
                else:
                    await self._websocket.send_str(message.model_dump_json())
        except APIError as error:
            self.give_up(error)
            raise

    def give_up(self, error: APIError) -> None:
        """It does not answer: whoever needs a socket shall open another."""
        self.lost = self.lost or error

    async def aclose(self) -> None:
        """With a goodbye: an engine keeps a conversation for a while whose client is just gone."""
        with contextlib.suppress(APIError, TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self.send(SessionClose())
                await asyncio.wait({self._reader})
        self._reader.cancel()
        await asyncio.wait({self._reader})
        await self._websocket.close()

    async def _cancel(self, message: InputCancel) -> None:
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self.send(message)
        except (APIError, TimeoutError):
            self.lost = _hung_up()  # a closed socket cancels as well

    async def _read(self) -> None:
        try:
            async for message in self._websocket:
                await self._dispatch(_understood(message))
        except APIError as error:
            self.lost = error
        else:
            self.lost = self.lost or _hung_up()
        if self._current is not None:
            await self._current.put(self.lost)

    async def _dispatch(self, message: object) -> None:
        current = self._current
        match message:
            case AudioStart(utterance=utterance):
                self._sounding = utterance
            case bytes() if current and self._sounding == current.id:
                await current.put(message)
            case AudioDone() | Failed() if current and message.utterance == current.id:
                await current.put(message)
            case Failed(utterance=None):
                raise _error_of(message)
            case SessionDone():
                raise _hung_up()


class Utterance:
    """What is said in one go, and the sound that comes back."""

    def __init__(self, id: str, socket: EngineSocket) -> None:
        self.id = id
        self._socket = socket
        self._inbox: asyncio.Queue[Event | APIError] = asyncio.Queue(_INBOX)
        self._asked = 0
        self._answered = 0
        self._finished = False

    @property
    def open(self) -> bool:
        """Whether the engine still has something to do for it."""
        return self._asked > 0 and not (self._finished and self._answered == self._asked)

    async def say(self, sentence: str) -> None:
        number, self._asked = self._asked, self._asked + 1
        await self._socket.send(InputText(utterance=self.id, sentence=number, text=sentence))

    async def finish(self) -> None:
        self._finished = True
        await self._socket.send(InputDone(utterance=self.id))

    async def receive(self) -> Event:
        """Sound, or what became of a sentence. Raises APIError once the socket is lost."""
        if self._inbox.empty() and self._socket.lost is not None:
            raise self._socket.lost
        event = await self._inbox.get()
        if isinstance(event, APIError):
            raise event
        self._answered += isinstance(event, AudioDone)
        return event

    async def put(self, event: Event | APIError) -> None:
        await self._inbox.put(event)

    def drop(self) -> None:
        """Let go of what was not taken, and of whoever waits to put more."""
        while not self._inbox.empty():
            self._inbox.get_nowait()


def _hold_little(websocket: aiohttp.ClientWebSocketResponse) -> None:
    connection = websocket.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


def _understood(message: aiohttp.WSMessage) -> object:
    if message.type is aiohttp.WSMsgType.BINARY:
        return bytes(message.data)
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise _hung_up()
    try:
        return server_message.validate_json(message.data)
    except ValidationError as error:
        raise APIError("the CSM engine speaks another protocol", retryable=False) from error


def _error_of(failed: Failed) -> APIError:
    return APIError(f"CSM engine: {failed.message}", retryable=failed.retryable)


def _hung_up() -> APIConnectionError:
    return APIConnectionError("the CSM engine hung up")
