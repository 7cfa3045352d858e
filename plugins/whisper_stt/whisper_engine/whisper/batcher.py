"""The threads that run the model, and how the event loop hands decodes to them."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Generic, Protocol, TypeVar

from whisper_engine.model import Kind, Pace
from whisper_engine.whisper.cost import Cost
from whisper_engine.whisper.pace import Load
from whisper_engine.whisper.scheduler import FullError, Limits, Scheduler
from whisper_engine.whisper.tickets import Batch, Ticket

logger = logging.getLogger(__name__)

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")


class Drop(StrEnum):
    """Why a decode was not run."""

    SUPERSEDED = "superseded"
    LATE = "late"
    FULL = "full"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


class ClosedError(Exception):
    """The stream was closed, or the batcher has stopped, before this was run."""


class Observer(Protocol):
    """What is counted. Called on the event loop."""

    def queued(self, kind: Kind, seconds: float) -> None: ...

    def ran(self, size: int, seconds: float) -> None: ...

    def dropped(self, kind: Kind, reason: Drop) -> None: ...


@dataclass(frozen=True)
class _Outcome(Generic[ResultT]):
    result: ResultT | None = None
    error: Exception | None = None

    def settle(self, future: asyncio.Future[ResultT | None]) -> None:
        if self.error is None:
            future.set_result(self.result)
        else:
            future.set_exception(self.error)


class Batcher(Generic[TaskT, ResultT]):
    """Runs what many calls want on `workers` threads, several decodes at a time.

    Args:
        run: from the tasks of one batch to their results, in order. Called on the threads, by up to
            `workers` at once. When it raises for several tasks they are tried one by one, so that
            a task fails by itself only.
        workers: threads; they are daemons, so that a model that hangs cannot keep the process.
        limits: of batches and of what waits.
        cost: what batches are expected to take; learns from then on.
        patience: see `Load`.
        clock: in seconds; what deadlines are measured by.
    """

    def __init__(
        self,
        run: Callable[[Sequence[TaskT]], Sequence[ResultT]],
        *,
        workers: int,
        limits: Limits,
        cost: Cost,
        patience: float,
        observer: Observer | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._workers = workers
        self._observer = observer
        self._clock = clock
        self._load = Load(workers, patience)
        self._futures: dict[Ticket[TaskT], asyncio.Future[ResultT | None]] = {}
        self._changed = threading.Condition()
        # guarded by _changed
        self._scheduler: Scheduler[TaskT] = Scheduler(limits, cost)
        self._open = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """At the end what runs is finished and delivered; what waits raises ClosedError."""
        loop = asyncio.get_running_loop()
        self._open = True
        threads = [
            threading.Thread(target=self._work, args=(loop,), name=f"whisper-{number}", daemon=True)
            for number in range(self._workers)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._open = False
                waiting = self._scheduler.clear()
                self._changed.notify_all()
            self._drop(waiting, Drop.CLOSED)
            for thread in threads:
                await asyncio.to_thread(thread.join)

    async def decode(self, ticket: Ticket[TaskT]) -> ResultT | None:
        """The result, or None when it was dropped; cancelling withdraws it.

        A final or a file is not dropped, nor is what has been promoted. Raises what `run` raised
        for this task, FullError for a file when too much waits, ClosedError.
        """
        future: asyncio.Future[ResultT | None] = asyncio.get_running_loop().create_future()
        try:
            with self._changed:
                if not self._open:
                    raise ClosedError("the batcher is not running")
                superseded = self._scheduler.submit(ticket, self._clock())
                self._changed.notify()
        except FullError:
            self._count_drop(ticket, Drop.FULL)
            if ticket.kind is Kind.FILE:
                raise
            return None
        self._futures[ticket] = future
        self._drop(superseded, Drop.SUPERSEDED)
        try:
            return await future
        finally:
            if self._futures.pop(ticket, None) is not None:
                self._withdraw(ticket)

    def promote(self, ticket: Ticket[TaskT]) -> bool:
        """Make a speculative decode a final. False when it was dropped or has ended, so that a new
        one is needed."""
        with self._changed:
            self._scheduler.promote(ticket)
        return ticket in self._futures

    def close(self, stream: int) -> None:
        """What waits of a stream raises ClosedError."""
        with self._changed:
            dropped = self._scheduler.close(stream)
        self._drop(dropped, Drop.CLOSED)

    @property
    def pace(self) -> Pace:
        return self._load.pace(*self._moment())

    @property
    def has_room(self) -> bool:
        return self._load.has_room(*self._moment())

    @property
    def utilisation(self) -> float:
        return self._load.utilisation(*self._moment())

    def _moment(self) -> tuple[float, float]:
        now = self._clock()
        with self._changed:
            return now, self._scheduler.longest_wait(now)

    def _withdraw(self, ticket: Ticket[TaskT]) -> None:
        with self._changed:
            waited = self._scheduler.withdraw(ticket)
        if waited:
            self._count_drop(ticket, Drop.WITHDRAWN)

    def _drop(self, tickets: Iterable[Ticket[TaskT]], reason: Drop) -> None:
        for ticket in tickets:
            self._count_drop(ticket, reason)
            future = self._futures.pop(ticket, None)
            if future is None or future.done():
                continue
            if reason is Drop.CLOSED:
                future.set_exception(ClosedError("closed before it could be heard"))
            else:
                future.set_result(None)

    def _count_drop(self, ticket: Ticket[TaskT], reason: Drop) -> None:
        if self._observer is not None:
            self._observer.dropped(ticket.kind, reason)

    def _deliver(
        self, batch: Batch[TaskT], outcomes: list[_Outcome[ResultT]], seconds: float, now: float
    ) -> None:
        self._load.ran(batch.kind, seconds, batch.need, now)
        if self._observer is not None:
            self._observer.ran(len(batch.items), seconds)
        for item, outcome in zip(batch.items, outcomes, strict=True):
            self._load.waited(item.kind, item.waited, now)
            if self._observer is not None:
                self._observer.queued(item.kind, item.waited)
            future = self._futures.pop(item.ticket, None)
            if future is not None and not future.done():
                outcome.settle(future)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """One thread, until the batcher is closed."""
        while (batch := self._next(loop)) is not None:
            began = self._clock()
            outcomes, failed = self._outcomes([item.ticket.payload for item in batch.items])
            now = self._clock()
            with self._changed:
                self._scheduler.finished(batch, None if failed else now - began)
            _call(loop, partial(self._deliver, batch, outcomes, now - began, now))

    def _next(self, loop: asyncio.AbstractEventLoop) -> Batch[TaskT] | None:
        with self._changed:
            while self._open:
                batch, late = self._scheduler.take(self._clock())
                if late:
                    _call(loop, partial(self._drop, late, Drop.LATE))
                if batch is not None:
                    return batch
                self._changed.wait()
        return None

    def _outcomes(self, tasks: Sequence[TaskT]) -> tuple[list[_Outcome[ResultT]], bool]:
        """One for each task, and whether the batch failed as such."""
        try:
            results = self._run(tasks)
            return [_Outcome(result) for _, result in zip(tasks, results, strict=True)], False
        except Exception as error:
            if len(tasks) == 1:
                return [_Outcome(error=error)], True
            logger.warning("a batch failed", exc_info=True, extra={"size": len(tasks)})
        return [outcome for task in tasks for outcome in self._outcomes([task])[0]], True


def _call(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(callback)
