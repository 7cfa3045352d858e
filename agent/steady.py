"""A wall clock that nobody puts forward or back while a call lasts."""

import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from livekit.agents import llm

T = TypeVar("T")


def items_follow_the_clock() -> None:
    """Items of a history keep the clock that was there when their classes were made, and are
    sorted by it: the clock that is asked shall be whichever there is."""
    for item in (llm.ChatMessage, llm.FunctionCall, llm.FunctionCallOutput):
        item.model_fields["created_at"].default_factory = lambda: time.time()  # noqa: PLW0108 -- whichever is there by then
        item.model_rebuild(force=True)


items_follow_the_clock()


@contextmanager
def steady_wall_clock() -> Iterator[None]:
    """Inside, `time.time()` goes on from what it is now, as steadily as `time.monotonic()`.

    The framework puts what is said into the history by it, and measures by it how long somebody has
    been silent: in a call whose machine's clock is put back an hour, what the caller says next would
    come before all else, and the model would answer something older.
    """
    kept, steady = time.time, time.monotonic
    began = kept() - steady()
    time.time = lambda: began + steady()
    try:
        yield
    finally:
        time.time = kept


async def on_steady_time(work: Coroutine[Any, Any, T]) -> T:
    """`work` to its end, in a process that has nothing else to do: the clock is all of it's."""
    with steady_wall_clock():
        return await work
