"""The sockets of one TTS: one that is kept for the conversation, more while utterances overlap."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from livekit.agents import APIError
from livekit.plugins.csm_tts.log import logger
from livekit.plugins.csm_tts.socket import EngineSocket

Open = Callable[[float], Awaitable[EngineSocket]]


class Line:
    """Lends a socket to one utterance at a time. Two at once get two: neither waits for the other."""

    def __init__(self, open: Open) -> None:
        self._open = open
        self._idle: EngineSocket | None = None
        self._warming: asyncio.Task[None] | None = None
        self._closed = False

    def warm(self, timeout: float) -> None:
        """Open the socket in the background, so that the first sentence finds it."""
        if self._idle is None and (self._warming is None or self._warming.done()):
            self._warming = asyncio.create_task(self._warm(timeout), name="csm_tts.warm")

    @contextlib.asynccontextmanager
    async def lease(self, timeout: float) -> AsyncIterator[tuple[EngineSocket, bool]]:
        """A socket, and whether it had been open before. Raises APIError."""
        kept = await self._take_idle()
        socket = kept or await self._open(timeout)
        try:
            yield socket, kept is not None
        finally:
            if self._idle is None and socket.lost is None and not self._closed:
                self._idle = socket
            else:
                await socket.aclose()

    async def aclose(self) -> None:
        self._closed = True
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait({self._warming})
        idle, self._idle = self._idle, None
        if idle is not None:
            await idle.aclose()

    async def _take_idle(self) -> EngineSocket | None:
        if self._warming is not None:
            await asyncio.wait({self._warming})
            self._warming = None
        idle, self._idle = self._idle, None
        if idle is not None and idle.lost is not None:
            await idle.aclose()
            return None
        return idle

    async def _warm(self, timeout: float) -> None:
        try:
            self._idle = await self._open(timeout)
        except APIError as error:
            logger.warning("no engine yet; the first sentence will try again", exc_info=error)
