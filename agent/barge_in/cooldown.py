"""When sound alone, without words, may make the agent stop. Pure: `now` in seconds."""

from math import inf

NEXT_WORD = 0.6
"""Seconds for the word that makes an acknowledgement of `that's` or `all`."""


class Cooldown:
    """Not for a while after it has made the agent stop, and not while the caller says `uh-huh`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = -inf
        self._acknowledging_until = -inf

    def stopped(self, now: float) -> None:
        self._until = now + self._seconds

    def heard(self, now: float, *, acknowledgement: bool, beginning: bool) -> None:
        """Of the words so far of what is being said."""
        until = now + NEXT_WORD if beginning else -inf
        self._acknowledging_until = inf if acknowledgement else until

    def silence(self) -> None:
        """What was being said is over."""
        self._acknowledging_until = -inf

    def sound_interrupts(self, now: float) -> bool:
        return now >= max(self._until, self._acknowledging_until)

    def left(self, now: float) -> float:
        return max(0.0, self._until - now)
