"""The room's output, as the one who fills it sees it."""

import asyncio
from collections import Counter
from typing import Protocol

from livekit import rtc
from livekit.agents.voice import io

from agent.playback.clock import PlayoutClock

STALL_SECONDS = 1.0

PIECE = 0.05
"""Seconds given at once: the frame in which LiveKit's room output deals."""

LEAD = 0.15
"""Seconds of sound that the room holds: they cannot be called back, and hide a pause of ours."""


class Witness(Protocol):
    """Is told what the caller hears, by the loop's time."""

    def played(self, at: float, frame: rtc.AudioFrame) -> None:
        """It is heard from `at` on."""
        ...

    def dropped(self, at: float) -> None:
        """What should have been heard from `at` on is not."""
        ...


class Room:
    """Takes sound just before it is heard. It is never paused: it would drop what it holds."""

    def __init__(self, sink: io.AudioOutput, witness: Witness | None = None) -> None:
        self.finished = asyncio.Event()
        """Set by whoever hears that the room has played the last of a speech."""
        self.taking = False
        """Whether it has been given something that it did not take yet."""
        self.stalls: Counter[str] = Counter()
        self._sink = sink
        self._witness = witness
        self._clock = PlayoutClock()
        self._sounds_until = 0.0

    @property
    def ahead(self) -> float:
        """Seconds that it still has to play."""
        return self._clock.ahead(self._now())

    @property
    def played(self) -> float:
        """Seconds in all."""
        self._clock.ahead(self._now())
        return self._clock.played

    @property
    def silent_for(self) -> float:
        """Seconds, less than 0 while there is sound."""
        return self._now() - self._sounds_until

    @property
    def wait(self) -> float:
        """Seconds until there is room for another piece, to the millisecond."""
        return max(0.0, round(self.ahead + PIECE - LEAD, 3))

    async def give(self, frame: rtc.AudioFrame) -> None:
        asked, self.taking = self._now(), True
        try:
            await self._sink.capture_frame(frame)
        finally:
            self.taking = False
        if self._now() - asked > STALL_SECONDS:
            self.stalls["blocked"] += 1
        if self._witness:
            self._witness.played(self._now() + self.ahead, frame)
        self._clock.add(frame.duration, self._now())
        self._sounds_until = self._now() + self.ahead

    def flush(self) -> None:
        """That was the last; `finished` follows when it has been heard."""
        self._sink.flush()

    def drop(self) -> None:
        """What it still holds shall not be heard."""
        self._clock.clear(self._now())
        if self._witness:
            self._witness.dropped(self._now())
        self._sounds_until = self._now()
        self._sink.clear_buffer()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
