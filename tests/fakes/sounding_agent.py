"""An agent made of sounds, at the other end of a caller's line."""

import asyncio
from collections.abc import Sequence

import numpy as np

from sip.simulate.hearing import Ear
from sip.simulate.line import FRAME, Line
from sip.simulate.speech import RATE, Samples
from tests.sip.sounds import babble

TICK = FRAME / RATE
GREETING = babble(2.0)


class Agent:
    """Greets after 0.5 s, answers 0.6 s after the caller stops, is silent 0.4 s after the caller starts over it."""

    def __init__(self, replies: Sequence[Samples], *, hangs_up: bool = False) -> None:
        self._replies = list(replies)
        self._hangs_up = hangs_up
        self._ear = Ear()
        self._saying = np.concatenate([np.zeros(RATE // 2, dtype=np.int16), GREETING])
        self._answered: float | None = None

    def hears(self, now: float, frame: Samples) -> None:
        self._ear.feed(now, frame)
        began = self._ear.began
        if began is None or began == self._answered:
            return
        quiet = self._ear.quiet_for(now)
        if quiet < 0.1 and now - began >= 0.4:
            self._saying = self._saying[:0]
        if quiet >= 0.6:
            self._answered = began
            self._saying = self._replies.pop(0) if self._replies else self._saying[:0]

    def says(self) -> Samples:
        frame = np.zeros(FRAME, dtype=np.int16)
        said, self._saying = self._saying[:FRAME], self._saying[FRAME:]
        frame[: said.size] = said
        return frame

    @property
    def is_gone(self) -> bool:
        return self._hangs_up and not self._replies and not self._saying.size


async def exchange(line: Line, agent: Agent) -> None:
    """The wire between them, without any delay."""
    while not agent.is_gone:
        now = line.now()
        frame = line.next_frame()
        line.sent.add(now, frame)
        agent.hears(now, frame)
        line.hear(now, agent.says())
        await asyncio.sleep(TICK)
    line.drop()
