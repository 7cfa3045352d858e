"""What has come for a stream and waits: the client's messages, and texts that were made."""

import asyncio
from collections import deque
from dataclasses import dataclass

from whisper_engine.model import Heard, Kind
from whisper_engine.protocol import SAMPLE_RATE, Cancel, End, Flush
from whisper_engine.streaming.hearing import Utterance

FULL = 5 * SAMPLE_RATE
"""Samples. When as much waits, the socket is not read: the client feels it as back-pressure."""

MAX_MESSAGES = 256
BEHIND = 0.2
"""Seconds of sound waiting from which on an interim would be of the past."""


class Drain:
    """The engine is about to stop: end when nothing is in hand."""


@dataclass(frozen=True)
class Made:
    """A text that was asked for without waiting for it; `utterance` is what it is of."""

    utterance: Utterance
    kind: Kind
    heard: Heard


Item = bytes | Flush | Cancel | End | Drain | Made


class Inbox:
    """In order, one reader. Full: `put` waits."""

    def __init__(self, behind: float = BEHIND) -> None:
        self._behind = behind * SAMPLE_RATE
        self._items: deque[Item] = deque()
        self._samples = 0
        self._changed = asyncio.Condition()

    @property
    def behind(self) -> bool:
        return self._samples >= self._behind

    async def put(self, item: Item) -> None:
        async with self._changed:
            await self._changed.wait_for(
                lambda: self._samples < FULL and len(self._items) < MAX_MESSAGES
            )
            self._items.append(item)
            self._samples += _samples(item)
            self._changed.notify_all()

    async def put_first(self, item: Made) -> None:
        """Before all that waits: it is about sound that has been heard."""
        async with self._changed:
            self._items.appendleft(item)
            self._changed.notify_all()

    async def get(self) -> Item:
        async with self._changed:
            await self._changed.wait_for(lambda: self._items)
            item = self._items.popleft()
            self._samples -= _samples(item)
            self._changed.notify_all()
        return item


def _samples(item: Item) -> int:
    return len(item) // 2 if isinstance(item, bytes) else 0
