"""Whether what comes from the caller is so faint beside the agent's own sound that it is its echo.

Pure: times are the loop's seconds, powers those of samples in full scale. A line gives back the
agent's voice 20 dB weaker or more; a caller is rarely that faint, and then so at all times.
"""

from collections import deque
from math import exp

FAINTER = 10 ** (20 / 10)
"""Times, in power, that the agent's sound is stronger than what may be its echo."""

UNUSUAL = 10 ** (10 / 10)
"""Times that the caller is usually stronger than what may be an echo."""

USUAL = 10 ** (-26 / 10)
"""Of a caller who has not spoken yet: the level at which telephone lines are tested."""

LATEST = 1.5
"""Seconds in which an echo comes, at most, on a machine that is busy, too."""

SMOOTH = 0.2
"""Seconds: about a syllable. A caller's last word is loud for most of a second, and its text there by
then."""

EXPIRES = 3.0
"""Seconds after the agent's sound in which words may still be its echo's."""


class _Level:
    def __init__(self) -> None:
        self.power = 0.0

    def add(self, power: float, seconds: float) -> float:
        self.power += (1 - exp(-seconds / SMOOTH)) * (power - self.power)
        return self.power


class Loudness:
    """Of the caller's voice, from `began` to `ended`, against what they hear."""

    def __init__(self) -> None:
        self._agent, self._caller = _Level(), _Level()
        self._sounded: deque[tuple[float, float]] = deque()
        self._usual = USUAL
        self._most = 0.0  # in this speech, where the agent was silent
        self._onset = float("-inf")
        self._loud_at: float | None = None
        self._speaking = False
        self._now = self._agent_until = 0.0

    def played(self, power: float, seconds: float, at: float) -> None:
        """Of the agent, heard from `at` on."""
        self._agent_until = at + seconds
        self._sounded.append((self._agent_until, self._agent.add(power, seconds)))
        while self._sounded[0][0] < at - LATEST:
            self._sounded.popleft()

    def heard(self, power: float, seconds: float, now: float) -> bool:
        """Of the caller. Whether it may be kept from the ears."""
        self._now, level = now, self._caller.add(power, seconds)
        own = max((each for at, each in self._sounded if at >= now - LATEST), default=0.0)
        if own == 0.0 and self._speaking:
            self._most = max(self._most, level)
        if self._loud_at is None:
            self._loud_at = float("-inf")
        loud = level * FAINTER > own or level * UNUSUAL > self._usual
        if self._speaking and loud:
            self._loud_at = now
        return not loud

    def began(self, now: float) -> None:
        self._speaking, self._onset, self._most = True, now, 0.0

    def ended(self) -> None:
        self._speaking = False
        if self._most:
            self._usual = (self._usual + self._most) / 2

    @property
    def faint(self) -> bool:
        """Since the speech began. Never, of a caller whose sound nobody measures."""
        measured = self._loud_at is not None and self._loud_at < self._onset
        return measured and self._now < self._agent_until + EXPIRES
