"""What one who waits for a place hears, and for how long."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from agent.admission.policy import POSITION, Queue

logger = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds between two looks for a place."""


class Sounds(Protocol):
    """Of the caller's line."""

    async def say(self, text: str) -> None:
        """Returns when it has been said, or could not be."""

    async def music(self) -> None:
        """Until cancelled."""


@dataclass(frozen=True)
class Announced:
    """The last announcement: of which place, and when it was over."""

    position: int
    at: float


def announcement(queue: Queue, position: int, last: Announced | None, now: float) -> str | None:
    """What is to be said now; None: nothing. Pure; seconds of any clock."""
    if last and (last.position == position or now - last.at < queue.announce_seconds):
        return None
    return queue.announcement.replace(POSITION, str(position))


async def wait_for_a_place(
    queue: Queue,
    position: int,
    look: Callable[[], Awaitable[int]],
    sounds: Sounds,
    told: Callable[[int], None],
) -> bool:
    """True: there is one. False: it took longer than `queue` says.

    `look` says where the caller stands, 0 once the place is theirs; `told` is called with what they
    have been told.
    """
    loop = asyncio.get_running_loop()
    began, last = loop.time(), None
    while loop.time() - began < queue.max_wait_seconds:
        if text := announcement(queue, position, last, loop.time()):
            await sounds.say(text)
            last = Announced(position, loop.time())
            told(position)
        async with _music(sounds):
            while not announcement(queue, position, last, loop.time()):
                if loop.time() - began >= queue.max_wait_seconds:
                    return False
                await asyncio.sleep(LOOK)
                position = await look()
                if position == 0:
                    return True
    return False


@asynccontextmanager
async def _music(sounds: Sounds) -> AsyncIterator[None]:
    """Behind what is done inside; it has faded out when this is left."""
    playing = asyncio.create_task(sounds.music())
    playing.add_done_callback(_said_if_failed)
    try:
        yield
    finally:
        playing.cancel()
        await asyncio.wait({playing})


def _said_if_failed(playing: asyncio.Task[None]) -> None:
    if not playing.cancelled() and (error := playing.exception()):
        logger.warning("a caller waits without music", extra={"why": type(error).__name__})
