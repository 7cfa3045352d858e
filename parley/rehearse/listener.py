"""The caller's ear: hears the agent's sound in its own time, and its words as they are heard."""

import asyncio
import time
from collections import deque

import numpy as np
from livekit import rtc
from livekit.agents.voice import io
from livekit.agents.voice.transcription import TranscriptSynchronizer

from agent.clips import SAMPLE_RATE
from parley.rehearse.record import Heard, Record, Spell

QUEUE = 0.2
"""Seconds that a room's output takes ahead of time."""
LOUD = 100
"""Sample value from which the caller hears something: a tenth of the rehearsed voice."""


class Ear:
    """`output` and `words` are to be the session's."""

    def __init__(self, record: Record) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._record = record
        self._speaker = _Speaker(self)
        synchronised = TranscriptSynchronizer(
            next_in_chain_audio=self._speaker, next_in_chain_text=_Words(self)
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

    def sound(self, start: float, end: float) -> None:
        """Heard between two times of the loop. Joins what came without a pause."""
        spell = Spell(start - self._began, end - self._began)
        last = self._record.sound[-1] if self._record.sound else None
        if last and spell.start - last.end < 0.05:  # noqa: PLR2004 -- no pause
            self._record.sound[-1] = Spell(last.start, spell.end)
        elif spell.end > spell.start:
            self._record.sound.append(spell)

    def read(self, text: str) -> None:
        self._record.heard.append(Heard(self.now, text))

    async def aclose(self) -> None:
        await self._synchronised.aclose()
        await self._speaker.aclose()


class _Words(io.TextOutput):
    def __init__(self, ear: Ear) -> None:
        super().__init__(label="caller", next_in_chain=None)
        self._ear = ear

    async def capture_text(self, text: str) -> None:
        self._ear.read(text)

    def flush(self) -> None:
        """The end of a speech, which may have come in mid-word."""
        self._ear.read(" ")


class _Speaker(io.AudioOutput):
    """Like a room's output: takes a little ahead, plays in real time, can be paused and cleared."""

    def __init__(self, ear: Ear) -> None:
        super().__init__(
            label="caller",
            capabilities=io.AudioOutputCapabilities(pause=True),
            sample_rate=SAMPLE_RATE,
        )
        self.sounding = False
        self._ear = ear
        self._waiting: deque[rtc.AudioFrame | None] = deque()
        self._open = False
        self._position = 0.0
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self._given = asyncio.Event()
        self._taken = asyncio.Event()
        self._playing: asyncio.Task[None] | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self._give(frame)
        while sum(each.duration for each in self._waiting if each) > QUEUE:
            self._taken.clear()
            await self._taken.wait()

    def flush(self) -> None:
        super().flush()
        if self._open:
            self._give(None)

    def clear_buffer(self) -> None:
        self._waiting.clear()
        self._taken.set()
        if self._playing:
            self._playing.cancel()
            self._playing = None
        if self._open:
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

    def _give(self, frame: rtc.AudioFrame | None) -> None:
        self._open = True
        self._waiting.append(frame)
        self._given.set()
        if self._playing is None:
            self._playing = asyncio.create_task(self._play())

    async def _play(self) -> None:
        while True:
            while self._waiting:
                await self._goes_on.wait()
                frame = self._waiting.popleft()
                self._taken.set()
                if frame is None:
                    self._finish(interrupted=False)
                else:
                    await self._hear(frame)
            self._given.clear()
            await self._given.wait()

    async def _hear(self, frame: rtc.AudioFrame) -> None:
        if not self._position:
            self.on_playback_started(created_at=time.time())
        began = self._now()
        self.sounding = bool(np.abs(np.frombuffer(frame.data, np.int16)).max(initial=0) >= LOUD)
        try:
            await asyncio.sleep(frame.duration)
        finally:
            self._position += self._now() - began
            if self.sounding:
                self._ear.sound(began, self._now())
            self.sounding = False

    def _finish(self, *, interrupted: bool) -> None:
        position, self._position, self._open = self._position, 0.0, False
        self.on_playback_finished(playback_position=position, interrupted=interrupted)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
