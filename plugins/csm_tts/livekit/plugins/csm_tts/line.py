"""The sockets of one TTS: one that is the conversation, more while utterances overlap."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from livekit.agents import APIError, APITimeoutError
from livekit.plugins.csm_tts.errors import api_errors
from livekit.plugins.csm_tts.log import logger
from livekit.plugins.csm_tts.outbox import Outbox
from livekit.plugins.csm_tts.recent import Recent
from livekit.plugins.csm_tts.socket import EngineSocket

from csm_engine.protocol import ContextAppend, InputCancel

Open = Callable[[float, bool], Awaitable[EngineSocket]]
"""A new socket within so many seconds; whether it is to be the conversation's."""

RETRY_SECONDS = 2.0
"""Between two tries to find an engine again that nobody waits for."""


class Line:
    """Lends a socket to one utterance at a time. Two at once get two: neither waits for the other.

    The conversation's own socket is the one that is kept. When it is lost, the next is told what
    was said, unless its engine still knows.
    """

    def __init__(
        self, open: Open, lost: Callable[[str], None], recent: Recent, outbox: Outbox
    ) -> None:
        self._open = open
        self._lost = lost
        self._recent = recent
        self._outbox = outbox
        self._own: EngineSocket | None = None
        self._begun = False
        self._lent = False
        self._timeout = 0.0
        self._warming: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._not_before = 0.0
        self._closed = False

    def warm(self, timeout: float) -> None:
        """Open the socket in the background, so that the first sentence finds it."""
        if self._own is None and not self._lent and not _runs(self._warming):
            self._timeout = timeout
            self._warming = asyncio.create_task(self._warm(), name="csm_tts.warm")

    @contextlib.asynccontextmanager
    async def lease(self, timeout: float) -> AsyncIterator[tuple[EngineSocket, bool]]:
        """A socket, and whether it had been open before. Raises APIError."""
        if self._lent:
            async with self._another(timeout) as socket:
                yield socket, False
            return
        self._lent = True
        try:
            if self._warming is not None:
                await asyncio.wait({self._warming})
            self._timeout = timeout
            before = self._own
            own = await self._ready()
            yield own, own is before
        finally:
            self._lent = False
            if self._closed or (self._own is not None and self._own.lost is not None):
                await self._put_down()

    def tell(self, message: ContextAppend | InputCancel) -> None:
        """The conversation, after all that it has been told; one that is lost, when it is back."""
        self._outbox.put(message)
        self._begin_telling()

    def hear(self, pcm: bytes) -> None:
        """The caller's sound, at the session's `caller_rate`. Never waits."""
        if self._own is not None and self._own.lost is None:
            self._outbox.put_sound(pcm)
        else:
            self._outbox.drop(len(pcm))
        self._begin_telling()

    def is_own(self, socket: EngineSocket) -> bool:
        return socket is self._own

    async def aclose(self) -> None:
        self._closed = True
        for task in (self._warming, self._telling):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        await self._put_down()

    async def _put_down(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            if own.lost is not None:
                self._lost(own.url)
            await own.aclose()

    async def _ready(self) -> EngineSocket:
        """The conversation's socket, told all there is to tell."""
        if self._own is not None and self._own.lost is not None:
            await self._put_down()
        if self._own is None:
            self._own = await self._begin()
        await self._catch_up(self._own)
        return self._own

    async def _catch_up(self, own: EngineSocket) -> None:
        try:
            with api_errors("it was told the conversation"):
                async with asyncio.timeout(self._timeout):
                    await self._outbox.send(own)
        except APITimeoutError as error:
            own.give_up(error)
            raise

    async def _begin(self) -> EngineSocket:
        own = await self._open(self._timeout, True)
        self._begun = True
        if own.resumed:
            return own
        self._outbox.forget()
        return await self._tell_again(own)

    @contextlib.asynccontextmanager
    async def _another(self, timeout: float) -> AsyncIterator[EngineSocket]:
        socket = await self._tell_again(await self._open(timeout, False))
        try:
            yield socket
        finally:
            await socket.aclose()

    async def _tell_again(self, socket: EngineSocket) -> EngineSocket:
        try:
            for turn in self._recent.turns():
                await socket.send(turn)
        except BaseException:
            await socket.aclose()
            raise
        return socket

    async def _warm(self) -> None:
        try:
            await self._ready()
        except APIError as error:
            self._not_before = _now() + RETRY_SECONDS
            logger.warning("no engine yet; the first sentence will try again", exc_info=error)

    def _begin_telling(self) -> None:
        if not self._begun or self._closed:
            return  # the first socket is told what there is once it opens
        if self._own is not None and self._own.lost is None:
            if not _runs(self._telling):
                self._telling = asyncio.create_task(self._tell(self._own), name="csm_tts.tell")
        elif not self._lent and not _runs(self._warming) and _now() >= self._not_before:
            self._warming = asyncio.create_task(self._warm(), name="csm_tts.warm")

    async def _tell(self, socket: EngineSocket) -> None:
        with contextlib.suppress(APIError):  # the next socket is told
            while not self._outbox.empty:
                await self._outbox.send(socket)


def _runs(task: asyncio.Task[None] | None) -> bool:
    return task is not None and not task.done()


def _now() -> float:
    return asyncio.get_running_loop().time()
