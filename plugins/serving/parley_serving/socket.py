"""A WebSocket that speaks typed messages: JSON control in both directions, PCM as binary frames."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

logger = logging.getLogger(__name__)

MessageT = TypeVar("MessageT")
ErrorT = TypeVar("ErrorT", bound=Exception)

POLICY_VIOLATION = 1008

CLOSE_SECONDS = 1.0
"""What a goodbye may take: a client that reads nothing does not get one."""


class PeerGoneError(Exception):
    """The other side has closed the socket: all that it asked for is void."""


class RefusedError(Exception):
    """The request cannot be served: told to the client as an `error` message."""

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class Socket(Generic[MessageT]):
    """One client. `receive` yields a validated message, or bytes for a binary frame.

    Every way in which a peer can misbehave is a `RefusedError`; its leaving is `PeerGoneError`.
    `limit` bounds a message, in bytes; `stall` the seconds that a send waits for a client that reads
    nothing, which then counts as gone.
    """

    def __init__(
        self,
        websocket: WebSocket,
        messages: TypeAdapter[MessageT],
        limit: int,
        *,
        stall: float = 30.0,
    ) -> None:
        self._websocket = websocket
        self._messages = messages
        self._limit = limit
        self._stall = stall

    async def receive(self) -> MessageT | bytes:
        try:
            event = await self._websocket.receive()
        except (WebSocketDisconnect, RuntimeError) as error:
            raise PeerGoneError from error
        if event["type"] == "websocket.disconnect":
            raise PeerGoneError
        frame: bytes | str = event.get("text") or event.get("bytes") or b""
        if len(frame) > self._limit:
            raise RefusedError(
                "too_large", f"a message may have {self._limit} bytes, got {len(frame)}"
            )
        if isinstance(frame, bytes):
            return frame
        try:
            return self._messages.validate_json(frame)
        except ValidationError as error:
            raise RefusedError("bad_message", _first_problem(error)) from error

    async def send(self, message: BaseModel) -> None:
        await self._send(text=message.model_dump_json(exclude_none=True))

    async def send_audio(self, pcm: bytes) -> None:
        """Waits while the client is not reading: this is the back-pressure of the wire."""
        await self._send(data=pcm)

    async def close(self, code: int = 1000) -> None:
        if self._websocket.application_state is not WebSocketState.DISCONNECTED:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._websocket.close(code)
            except (WebSocketDisconnect, RuntimeError, OSError):
                return  # it has left already, or does not read (TimeoutError is an OSError)

    async def _send(self, *, text: str | None = None, data: bytes | None = None) -> None:
        try:
            async with asyncio.timeout(self._stall):
                if text is not None:
                    await self._websocket.send_text(text)
                elif data is not None:
                    await self._websocket.send_bytes(data)
        except TimeoutError as error:
            raise PeerGoneError("it has stopped reading") from error
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            raise PeerGoneError from error


async def converse(
    socket: Socket[MessageT],
    session: Awaitable[None],
    tell: Callable[[RefusedError], BaseModel],
) -> None:
    """Await a session and close its socket.

    A client that has left is logged; one that is refused gets the message that `tell` makes of the
    error first.
    """
    try:
        await session
        await socket.close()
    except* PeerGoneError as gone:
        logger.info("client left", extra={"reason": str(_first(gone))})
    except* RefusedError as refused:
        error = _first(refused)
        logger.info("client refused", extra={"code": error.code})
        with contextlib.suppress(PeerGoneError):
            await socket.send(tell(error))
        await socket.close(POLICY_VIOLATION)


def _first(group: ExceptionGroup[ErrorT]) -> ErrorT:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


def _first_problem(error: ValidationError) -> str:
    """One line without the input, which may be a caller's words."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])
