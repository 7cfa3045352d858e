"""The caller's ear: hears the agent's sound in its own time, as a room would play it."""

import asyncio
import time
from collections import deque

import numpy as np
from livekit import rtc
from livekit.agents.voice import io
from livekit.agents.voice.transcription import TranscriptSynchronizer

from agent.clips import SAMPLE_RATE
from parley.rehearse.hearing import Hearing, is_loud
from parley.rehearse.record import Heard, Record, Spell

PAUSE = 0.05
"""Seconds: a shorter one is none."""


class Ear:
    """`output` and `words` are to be the session's. What is heard goes into the record."""

    def __init__(self, record: Record, hearing: Hearing) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._record = record
        self._hearing = hearing
        self._goes_on = False
        self._speaker = _Speaker(self)
        synchronised = TranscriptSynchronizer(
            next_in_chain_audio=self._speaker, next_in_chain_text=None
        )
        self.output: io.AudioOutput = synchronised.audio_output
        self.words: io.TextOutput = synchronised.text_output
        self._synchronised = synchronised

    @property
    def now(self) -> float:
        """Seconds since the call began."""
        return self._loop.time() - self._began

    @property
    def hears(self) -> bool:
        """The agent's sound, now."""
        return self._speaker.sounding

    @property
    def quiet_since(self) -> float:
        return self._record.sound[-1].end if self._record.sound else 0.0

    def began_after(self, since: float) -> float | None:
        """When the agent first made a sound after that, as far as it is known by now."""
        return next((spell.start for spell in self._record.sound if spell.start >= since), None)

    def sound(self, frame: rtc.AudioFrame, start: float, end: float) -> None:
        """Heard between two times of the loop. Joins what came without a pause."""
        if end - start > frame.duration - 0.001:  # cut off, it is sound and no more
            words = self._hearing.hear(bytes(frame.data))
            self._record.heard += [Heard(end - self._began, word) for word in words]
        spell = Spell(start - self._began, end - self._began)
        last = self._record.sound[-1] if self._record.sound else None
        if last and self._goes_on and spell.start - last.end < PAUSE:
            self._record.sound[-1] = Spell(last.start, spell.end)
        elif spell.end > spell.start:
            self._record.sound.append(spell)
        self._goes_on = True

    def speech_ended(self) -> None:
        """What follows is another one."""
        self._goes_on = False

    async def aclose(self) -> None:
        await self._synchronised.aclose()
        await self._speaker.aclose()


class _Speaker(io.AudioOutput):
    """Like LiveKit's room output: takes all at once, plays in real time, can be paused and cleared.

    What is cleared before it was flushed has ended when the flush comes.
    """

    def __init__(self, ear: Ear) -> None:
        super().__init__(
            label="caller",
            capabilities=io.AudioOutputCapabilities(pause=True),
            sample_rate=SAMPLE_RATE,
        )
        self._ear = ear
        self._waiting: deque[rtc.AudioFrame] = deque()
        self._sounding: rtc.AudioFrame | None = None
        self._since = 0.0
        self._position = 0.0
        self._open = self._flushed = self._cleared = False
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self._changed = asyncio.Event()
        self._playing: asyncio.Task[None] | None = None

    @property
    def sounding(self) -> bool:
        frame = self._sounding
        return frame is not None and is_loud(np.frombuffer(frame.data, np.int16))

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self._open = True
        if not self._cleared:
            self._waiting.append(frame)
        self._go_on()

    def flush(self) -> None:
        super().flush()
        self._flushed = self._open
        if self._cleared:
            self._finish(interrupted=True)
        else:
            self._go_on()

    def clear_buffer(self) -> None:
        self._waiting.clear()
        if self._playing:
            self._playing.cancel()
            self._playing = None
        self._heard()
        self._cleared = self._open
        if self._flushed:
            self._finish(interrupted=True)

    def pause(self) -> None:
        super().pause()
        self._goes_on.clear()

    def resume(self) -> None:
        super().resume()
        self._goes_on.set()

    async def aclose(self) -> None:
        if self._playing:
            self._playing.cancel()
            await asyncio.wait({self._playing})

    def _go_on(self) -> None:
        self._changed.set()
        if self._playing is None:
            self._playing = asyncio.create_task(self._play())

    async def _play(self) -> None:
        while True:
            while self._waiting:
                await self._goes_on.wait()
                await self._hear(self._waiting.popleft())
            if self._flushed:
                self._finish(interrupted=False)
            self._changed.clear()
            await self._changed.wait()

    async def _hear(self, frame: rtc.AudioFrame) -> None:
        if not self._position:
            self.on_playback_started(created_at=time.time())
        self._sounding, self._since = frame, self._now()
        await asyncio.sleep(frame.duration)
        self._heard()

    def _heard(self) -> None:
        """So much of the frame that sounds."""
        if self._sounding is None:
            return
        self._position += self._now() - self._since
        if self.sounding:
            self._ear.sound(self._sounding, self._since, self._now())
        self._sounding = None

    def _finish(self, *, interrupted: bool) -> None:
        position, self._position = self._position, 0.0
        self._open = self._flushed = self._cleared = False
        self._ear.speech_ended()
        self.on_playback_finished(playback_position=position, interrupted=interrupted)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
