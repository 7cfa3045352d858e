"""The end of the session's way of sound, before the room's own output."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from livekit import rtc
from livekit.agents.voice import io

from agent.playback.room import STALL_SECONDS, Room, Witness
from agent.playback.speech import Speech


class Playback(io.AudioOutput):
    """Holds the agent's sound, and gives it to the room just before it is heard.

    To be put at the end of a session's chain (`session.output.replace_audio_tail`), so that those
    above get true positions. At most `limit` seconds wait ahead of the caller: `admit` holds back
    whoever makes the sound, `capture_frame` whoever hands it over. A pause or an interruption lets
    the voice go down to nothing in `fade` seconds, instead of a click. A pause keeps all that was
    not heard in full, and goes on from there; an interruption drops it, and `clip` (mono int16
    frames) may follow. `witness` is told what is heard. A stall of over a second is counted by name: `starved` when the engine left
    the caller waiting in mid-speech, `blocked` when the room took nothing.
    """

    def __init__(
        self,
        room: io.AudioOutput,
        *,
        limit: float,
        fade: float = 0.0,
        clip: Sequence[rtc.AudioFrame] = (),
        witness: Witness | None = None,
    ) -> None:
        super().__init__(
            label="Playback",
            capabilities=io.AudioOutputCapabilities(pause=True),
            next_in_chain=room,
            sample_rate=room.sample_rate,
        )
        assert self.next_in_chain is not None
        self._room = Room(self.next_in_chain, witness)
        self.stalls: Counter[str] = self._room.stalls
        self._limit = limit
        self._fade = fade
        self._clip = clip
        self._handed = 0.0
        self._repeated = 0.0
        self._paused = False
        self._speech: Speech | None = None
        self._giving: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._dry_since: float | None = None

    @property
    def can_pause(self) -> bool:
        return True

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def played_seconds(self) -> float:
        """Of the voice's sound; what a pause made the caller hear twice counts once."""
        repeated = self._repeated + (self._speech.repeated if self._speech else 0.0)
        return self._room.played - repeated

    @property
    def position(self) -> float:
        """Where in all of the call's sound that which is made next will be, in seconds."""
        return self.played_seconds + self._ahead + self._handed

    @property
    def silent_for(self) -> float:
        """Seconds since the caller last heard the agent, less than 0 while they do."""
        return self._room.silent_for

    def begin(self) -> None:
        """The voice begins a speech: what it had announced of one that was cut off never comes."""
        self._handed = 0.0

    async def admit(self, seconds: float) -> None:
        """Wait until the listener is less than `limit` behind, then take `seconds` on the way."""
        await self._wait(lambda: self._handed + self._ahead)
        self._handed += seconds

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        self._handed = max(0.0, self._handed - frame.duration)
        if self._giving and self._speech and self._speech.complete:
            await asyncio.wait({self._giving})
        await self._wait(lambda: self._ahead)
        self._note_starving()
        await super().capture_frame(frame)
        if self._speech is None or self._speech.complete:
            self._begin()
        assert self._speech is not None
        self._speech.add(frame)
        self._dry_since = self._now() + self._ahead

    def flush(self) -> None:
        super().flush()
        self._forget_handed()
        if self._speech:
            self._speech.end()

    def clear_buffer(self) -> None:
        self._forget_handed()
        if self._speech is None or self._giving is None or self._giving.done():
            return
        self._speech.stop()
        if self._room.taking:
            self._giving.cancel()
            self._room.drop()
            self._speech.abandon()

    def pause(self) -> None:
        self._paused = True
        self._dry_since = None
        if self._speech:
            self._speech.pause()
        self._wake()

    def resume(self) -> None:
        self._paused = False
        if self._speech:
            self._speech.resume()
        self._wake()

    def on_playback_finished(
        self,
        *,
        playback_position: float,
        interrupted: bool,
        synchronized_transcript: str | None = None,
    ) -> None:
        """The room's own word; its position counts twice what was said again after a pause."""
        self._room.finished.set()

    def on_playback_progressed(self, *, started_at: float, offset: float, duration: float) -> None:
        """Dropped, for the same reason: without it the positions at the end are used."""

    async def aclose(self) -> None:
        if self._giving:
            self._giving.cancel()
            await asyncio.wait({self._giving})

    @property
    def _ahead(self) -> float:
        return self._room.ahead + (self._speech.waiting if self._speech else 0.0)

    def _begin(self) -> None:
        if self._speech:
            self._repeated += self._speech.repeated
        self._speech = Speech(
            self._room, self._ended, fade=self._fade, clip=self._clip, paused=self._paused
        )
        self._giving = asyncio.create_task(self._speech.run())

    def _ended(self, position: float, interrupted: bool) -> None:
        self._wake()
        super().on_playback_finished(playback_position=position, interrupted=interrupted)

    async def _wait(self, queued: Callable[[], float]) -> None:
        """Until no more than the limit is queued; playing is what makes it less."""
        while (excess := queued() - self._limit) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(None if self._paused else max(excess, 0.005)):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _note_starving(self) -> None:
        if self._dry_since is not None and self._now() - self._dry_since > STALL_SECONDS:
            self.stalls["starved"] += 1

    def _forget_handed(self) -> None:
        """What was on its way belongs to the speech that has just ended."""
        self._dry_since = None
        self._handed = 0.0
        self._wake()

    def _wake(self) -> None:
        self._changed.set()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
