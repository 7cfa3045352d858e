"""An event loop whose clock jumps to the next timer: a minute's call takes milliseconds."""

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from livekit.agents import llm

TOOL_THREAD = "tool"
"""As agent/tools/guard.py names its threads."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`loop.time()` is virtual; only what the loop itself waits for takes time."""

    def __init__(self) -> None:
        self._virtual_now = 1_000.0
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self._virtual_now

    def jump(self, seconds: float) -> None:
        self._virtual_now += seconds


class _Jump(selectors.BaseSelector):
    """Where a selector would sleep until the next timer, the clock is moved there instead."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # no timer is set: a thread or a socket must wake the loop
            return self._real.select(None)
        if ready := self._real.select(0):
            return ready
        if any(thread.name == TOOL_THREAD for thread in threading.enumerate()):
            return self._real.select(timeout)  # its work takes no virtual time
        self._loop.jump(max(timeout, 0))
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


@cache
def date_messages_by_the_clock() -> None:
    """By `time.time` as it is then: the history is ordered by their dates, and messages of the
    caller's keep the function that it was when their class was made."""

    def now() -> float:
        return time.time()

    for item in (llm.ChatMessage, llm.FunctionCall, llm.FunctionCallOutput):
        item.model_fields["created_at"].default_factory = now
        item.model_rebuild(force=True)


@contextmanager
def wall_clock_of(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """The framework measures the end of a turn and what was heard by `time.time`, not by its loop."""
    wall, start = time.time, time.time() - loop.time()
    time.time = lambda: start + loop.time()
    date_messages_by_the_clock()
    try:
        yield
    finally:
        time.time = wall


def run(coroutine: Any) -> Any:
    """Run a coroutine to its end on a loop of virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, wall_clock_of(runner.get_loop()):
        return runner.run(coroutine)


def on_virtual_time(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Makes a test of a coroutine function."""

    def run_it() -> None:
        run(test())

    run_it.__name__ = test.__name__
    return run_it
