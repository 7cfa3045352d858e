"""The thread that owns the device, and the event loop's way to it."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import torch

from csm_engine.engine.line import Line
from csm_engine.engine.ticket import Ticket
from csm_engine.engine.ticks import Rows, Ticks
from csm_engine.model import SpeakError

WAITING = 64
"""Sentences that wait to be taken on; more are refused."""

STOPPED = "the engine has stopped"


class Engine:
    """Speaks many lines at once. `load` runs on the device's thread, as all that follows does."""

    def __init__(self, load: Callable[[], Rows[Any]]) -> None:
        self._load = load
        self._inbox: deque[Ticket] = deque()
        # Over `_open` and the inbox: a ticket is taken in before the end, and told of it, or refused.
        self._lock = threading.Lock()
        self._open = False
        self._stopping = False
        self._wake = threading.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Raises what `load` raises. No thread is left after the block."""
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopping = False
        thread = threading.Thread(target=self._run, args=(ready,), name="csm-engine")
        thread.start()
        try:
            await ready
            yield
        finally:
            self._stopping = True
            self._wake.set()
            await asyncio.to_thread(thread.join)

    async def speak(self, line: Line) -> AsyncGenerator[bytes, None]:
        """Sound as it is made, s16le in frames. Raises SpeakError; closing it cancels."""
        ticket = Ticket(line, self._wake.set)
        with self._lock:
            if not self._open:
                raise SpeakError(STOPPED, retryable=True)
            if len(self._inbox) >= WAITING:
                raise SpeakError(f"{WAITING} sentences are waiting already", retryable=True)
            self._inbox.append(ticket)
        self._wake.set()
        async with contextlib.aclosing(ticket.sounds()) as sounds:
            async for sound in sounds:
                yield sound

    @torch.inference_mode()
    def _run(self, ready: asyncio.Future[None]) -> None:
        try:
            ticks = Ticks(self._load(), self._next)
        except BaseException as error:  # noqa: BLE001 -- whoever waits for the start gets it
            _settle(ready, error)
            return
        self._open = True
        _settle(ready, None)
        try:
            while not self._stopping:
                # Before the look, so that what comes during it is looked at again.
                self._wake.clear()
                if not ticks.tick() and not self._stopping:
                    self._wake.wait()
        finally:
            self._refuse_rest()
            ticks.fail_all(STOPPED)

    def _next(self) -> Ticket | None:
        with self._lock:
            return self._inbox.popleft() if self._inbox else None

    def _refuse_rest(self) -> None:
        with self._lock:
            self._open = False
            rest = list(self._inbox)
            self._inbox.clear()
        for ticket in rest:
            ticket.close(SpeakError(STOPPED, retryable=True))


def _settle(ready: asyncio.Future[None], error: BaseException | None) -> None:
    def settle() -> None:
        if ready.cancelled():
            return
        if error is None:
            ready.set_result(None)
        else:
            ready.set_exception(error)

    # A loop that was closed has nobody who waits.
    with contextlib.suppress(RuntimeError):
        ready.get_loop().call_soon_threadsafe(settle)
