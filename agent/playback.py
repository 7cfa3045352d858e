"""The agent's sound on its way to the room: bounded, with back-pressure, and counted."""

import asyncio
from collections import Counter
from collections.abc import Callable

from livekit import rtc
from livekit.agents.voice import io

STALL_SECONDS = 1.0


class PlayoutClock:
    """How much sound lies ahead of the listener, if it plays in real time. Pure."""

    def __init__(self) -> None:
        self.played = 0.0
        self._ahead = 0.0
        self._at = 0.0
        self._paused = False

    @property
    def paused(self) -> bool:
        return self._paused

    def ahead(self, now: float) -> float:
        """Seconds of sound captured and not played yet."""
        self._advance(now)
        return self._ahead

    def add(self, seconds: float, now: float) -> None:
        self._advance(now)
        self._ahead += seconds

    def pause(self, now: float) -> None:
        self._advance(now)
        self._paused = True

    def resume(self, now: float) -> None:
        self._advance(now)
        self._paused = False

    def clear(self, now: float) -> None:
        """What lies ahead is dropped, unplayed."""
        self._advance(now)
        self._ahead = 0.0

    def _advance(self, now: float) -> None:
        passed, self._at = now - self._at, now
        if not self._paused:
            step = min(self._ahead, passed)
            self._ahead -= step
            self.played += step


class Playback(io.AudioOutput):
    """Wraps the room's output so that at most `limit` seconds of sound wait ahead of the caller.

    `admit` holds back whoever makes the sound, `capture_frame` whoever hands it over; an
    interruption drops all of it. A stall of over a second is counted by name: `starved` when the
    engine left the caller waiting in mid-speech, `blocked` when the room took nothing.
    """

    def __init__(self, room: io.AudioOutput, *, limit: float) -> None:
        super().__init__(
            label="Playback",
            capabilities=io.AudioOutputCapabilities(pause=True),
            next_in_chain=room,
            sample_rate=room.sample_rate,
        )
        self.stalls: Counter[str] = Counter()
        self._limit = limit
        self._clock = PlayoutClock()
        self._handed = 0.0
        self._changed = asyncio.Event()
        self._dry_since: float | None = None

    @property
    def played_seconds(self) -> float:
        self._clock.ahead(self._now())
        return self._clock.played

    async def admit(self, seconds: float) -> None:
        """Wait until the listener is less than `limit` behind, then take `seconds` on the way."""
        await self._wait(lambda: self._handed + self._clock.ahead(self._now()))
        self._handed += seconds

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        self._handed = max(0.0, self._handed - frame.duration)
        await self._wait(lambda: self._clock.ahead(self._now()))
        self._note_starving()
        asked = self._now()
        assert self.next_in_chain is not None
        await self.next_in_chain.capture_frame(frame)
        # Counted once the room has it: of a frame that was never taken nobody hears the end.
        await super().capture_frame(frame)
        if self._now() - asked > STALL_SECONDS:
            self.stalls["blocked"] += 1
        self._clock.add(frame.duration, self._now())
        self._dry_since = self._now() + self._clock.ahead(self._now())

    def flush(self) -> None:
        super().flush()
        self._dry_since = None
        self._forget_handed()
        if self.next_in_chain:
            self.next_in_chain.flush()

    def clear_buffer(self) -> None:
        self._clock.clear(self._now())
        self._dry_since = None
        self._forget_handed()
        if self.next_in_chain:
            self.next_in_chain.clear_buffer()

    def pause(self) -> None:
        self._clock.pause(self._now())
        self._dry_since = None
        super().pause()

    def resume(self) -> None:
        self._clock.resume(self._now())
        self._wake()
        super().resume()

    async def _wait(self, queued: Callable[[], float]) -> None:
        """Until no more than the limit is queued; playing is what makes it less."""
        while (excess := queued() - self._limit) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(None if self._clock.paused else max(excess, 0.005)):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _note_starving(self) -> None:
        if self._dry_since is not None and self._now() - self._dry_since > STALL_SECONDS:
            self.stalls["starved"] += 1

    def _forget_handed(self) -> None:
        """What was on its way belongs to the speech that has just ended."""
        self._handed = 0.0
        self._wake()

    def _wake(self) -> None:
        self._changed.set()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
