"""The caller's mouth and ear while a call lasts, whatever telephone they belong to."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from livekit import rtc

from sip.simulate.hearing import Ear
from sip.simulate.mixing import Under, mixed, quieter
from sip.simulate.speech import RATE, Samples
from sip.simulate.timeline import Recording, Track

FRAME = RATE // 50
"""Samples that go out at once: 20 ms."""

KEYS = "0123456789*#ABCD"
"""Each at its event code (RFC 4733)."""

ECHO_DELAY = 0.2
ECHO_LOSS = 25.0
"""Seconds and decibels between the agent's sound and its echo."""


@dataclass
class Line:
    """The caller's mouth and ear while a call lasts. Times are those of the event loop's clock."""

    dialled_at: float
    answered_at: float = 0.0
    hung_up: bool = False
    sent: Track = field(default_factory=Track)
    heard: Track = field(default_factory=Track)
    ear: Ear = field(default_factory=Ear)
    under: Under = field(default_factory=Under)
    echoes_until: float = 0.0
    echo_delay: float = ECHO_DELAY
    keys_heard: str = ""
    """Keys that the agent pressed."""
    _echo: Under = field(default_factory=Under)
    room: rtc.Room | None = None
    """Where keys go out; of a caller without one, they do not."""
    _to_say: deque[Samples] = field(default_factory=deque)
    _said: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ring_to_answer(self) -> float:
        return self.answered_at - self.dialled_at

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def say(self, speech: Samples) -> None:
        """Speak from the next frame on; returns when the last frame has been handed over."""
        whole = np.zeros(-(-speech.size // FRAME) * FRAME, dtype=np.int16)
        whole[: speech.size] = speech
        self._to_say.extend(whole.reshape(-1, FRAME))
        while self._to_say and not self.hung_up:
            self._said.clear()
            await self._said.wait()

    async def until(self, fact: Callable[[], bool]) -> None:
        """Wait until `fact` holds or the line is down; it is asked at every frame heard."""
        while not (self.hung_up or fact()):
            self._news.clear()
            await self._news.wait()

    async def press(self, key: str) -> None:
        """0-9, *, #, A-D, as an event beside the sound."""
        if self.room is not None and not self.hung_up:
            await self.room.local_participant.publish_dtmf(code=KEYS.index(key), digit=key)

    def next_frame(self) -> Samples:
        """What the mouth sends now: speech or silence, and what sounds beneath it."""
        return mixed(self._spoken(), self.under.take(FRAME), self._echo.take(FRAME))

    def _spoken(self) -> Samples:
        if not self._to_say:
            return np.zeros(FRAME, dtype=np.int16)
        frame = self._to_say.popleft()
        if not self._to_say:
            self._said.set()
        return frame

    def hear(self, at: float, frame: Samples) -> None:
        self.heard.add(at, frame)
        self.ear.feed(at, frame)
        if at < self.echoes_until:
            self._echo.append(quieter(frame, ECHO_LOSS), delay=self.echo_delay)
        self._news.set()

    def drop(self) -> None:
        """The far end is gone: nobody waits for it any longer."""
        self.hung_up = True
        self._said.set()
        self._news.set()

    def recording(self, until: float) -> Recording:
        """From the dialling on, so that everything heard is in it."""
        return Recording.of(self.sent, self.heard, self.dialled_at, until)
