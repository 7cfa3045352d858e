"""Time that nobody waits for: a minute's call takes what its code takes."""

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar, TypeVarTuple

import agent.steady  # noqa: F401 -- items of a history ask whichever clock there is
from agent.tools.guard import TOOL_THREAD

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

START = 1_000.0
"""Seconds. A number as large as the wall clock's could not be moved on by a microsecond."""

LOOK_AGAIN = 0.01
"""Seconds, real ones: a thread may end without a word to the loop."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` jumps to the next timer whenever nothing is left to do.

    It stands still while a thread is at work, an executor's or a tool's: it has no other clock.
    """

    def __init__(self) -> None:
        self._now = START
        self.wall = time.time() - START
        self._threads = 0
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        self._now += seconds

    def put_wall_clock(self, seconds: float) -> None:
        """Forward; or back, of negative ones. Only `time.time()` tells."""
        self.wall += seconds

    @property
    def waits_for_a_thread(self) -> bool:
        return self._threads > 0 or any(
            thread.name == TOOL_THREAD for thread in threading.enumerate()
        )

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._thread_is_done)
        return future

    def _thread_is_done(self, _: object) -> None:
        self._threads -= 1


class _Jump(selectors.BaseSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._inner = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if ready := self._inner.select(0):
            return ready
        if timeout is None:
            return self._inner.select(None)
        if timeout > 0 and self._loop.waits_for_a_thread:
            return self._inner.select(LOOK_AGAIN)
        self._loop.jump(max(timeout, 0))
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.modify(fileobj, events, data)

    def close(self) -> None:
        self._inner.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()


@contextmanager
def _told_by(loop: VirtualLoop) -> Iterator[None]:
    """The framework reads the process's clocks for what it measures and paces: they get the loop's."""
    kept = time.time, time.monotonic, time.perf_counter
    time.time = lambda: loop.wall + loop.time()
    time.monotonic = time.perf_counter = loop.time
    try:
        yield
    finally:
        time.time, time.monotonic, time.perf_counter = kept


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """To its end on virtual time. One at a time: the process's clocks are the loop's meanwhile."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        with _told_by(loop):
            return runner.run(coroutine)
