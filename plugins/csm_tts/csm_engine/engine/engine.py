"""The thread that owns the device, and the event loop's way to it."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import partial

import torch

from csm_engine.engine.inbox import STOPPED, Inbox
from csm_engine.engine.line import Line
from csm_engine.engine.loop import Loop
from csm_engine.engine.talk import Command, Do, Speak, Stop, Talk
from csm_engine.engine.ticket import Ticket

logger = logging.getLogger(__name__)


class Engine:
    """Speaks for many talks at once. `load` runs on the device's thread, as all that follows does."""

    def __init__(self, load: Callable[[Inbox], Loop]) -> None:
        self._load = load
        self._inbox = Inbox()
        self._loop: Loop | None = None
        self._stopping = False
        self.broken: str | None = None
        """Why nothing will be spoken any more."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Raises what `load` raises. No thread is left after the block."""
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopping, self.broken = False, None
        thread = threading.Thread(target=self._run, args=(ready,), name="csm-engine")
        thread.start()
        try:
            await ready
            yield
        finally:
            self._stopping = True
            self._inbox.wake()
            await asyncio.to_thread(thread.join)

    def has_room(self) -> bool:
        loop = self._loop  # the thread may take it away meanwhile
        return loop is not None and loop.has_room()

    def tell(self, command: Command) -> None:
        """Void once the engine has stopped."""
        self._inbox.put(command)

    async def speak(self, talk: Talk, ticket: Ticket) -> AsyncGenerator[bytes, None]:
        """Sound as it is made, s16le in frames. Raises SpeakError; closing it cancels."""
        self._inbox.put(Speak(talk, ticket))
        try:
            async with contextlib.aclosing(ticket.sounds()) as sounds:
                async for sound in sounds:
                    yield sound
        finally:
            self._inbox.put(Stop(talk, ticket))

    def ticket(self, line: Line) -> Ticket:
        return Ticket(line, self._inbox.wake)

    async def do(self, work: Callable[[], None]) -> None:
        """On the device's thread, between two steps. Raises what it raises, and SpeakError where
        the engine has stopped."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def guarded() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 -- whoever asked gets it
                _settle(done, error)
            else:
                _settle(done, None)

        self._inbox.put(Do(guarded, partial(_settle, done)))
        await done

    @torch.inference_mode()
    def _run(self, ready: asyncio.Future[None]) -> None:
        try:
            loop = self._load(self._inbox)
        except BaseException as error:  # noqa: BLE001 -- whoever waits for the start gets it
            _settle(ready, error)
            return
        self._loop = loop
        self._inbox.open()
        _settle(ready, None)
        why = STOPPED
        try:
            while not self._stopping:
                # Before the look, so that what comes during it is looked at again.
                self._inbox.look()
                wait = loop.turn()
                if wait != 0 and not self._stopping:
                    self._inbox.wait(wait)
        except Exception:
            logger.exception("the device's thread has ended")
            why = self.broken = "the device has failed: the engine must be started again"
        finally:
            self._loop = None
            self._inbox.shut(why)
            loop.fail_all(why)


def _settle(waiting: asyncio.Future[None], error: BaseException | None) -> None:
    def settle() -> None:
        if waiting.cancelled():
            return
        if error is None:
            waiting.set_result(None)
        else:
            waiting.set_exception(error)

    # A loop that was closed has nobody who waits.
    with contextlib.suppress(RuntimeError):
        waiting.get_loop().call_soon_threadsafe(settle)
