"""How far a stream's sound runs ahead of the ear that hears it. Pure: `now` is passed in.

The far end plays what it is sent at once and without gaps, so what it still has to play is the
sound sent less the time since the first of it. Times and lengths are in seconds.
"""

import math

CLOCK = 1e-6
"""Sums of frame lengths are no more exact than this."""


class Playout:
    """One call's line, over all the sentences that are spoken on it.

    `most` seconds is what it counts as ahead at most: the sound of a file is wanted soon, too.
    """

    def __init__(self, most: float = math.inf) -> None:
        self._most = most
        self._until: float | None = None
        self._more = False
        self._told = (0, 0.0)
        self.underruns = 0
        self.starved = 0.0
        """Seconds that the listener has waited for sound in the middle of speech."""

    @property
    def silent(self) -> bool:
        """Nothing is playing and nothing was promised: the next sound is a beginning."""
        return self._until is None

    def ahead(self, now: float) -> float:
        """Sound sent and not heard yet; below zero for as long as the listener has waited."""
        return 0.0 if self._until is None else min(self._until - now, self._most)

    def news(self) -> tuple[int, float]:
        """Underruns, and seconds waited, since this was last asked."""
        told, self._told = self._told, (self.underruns, self.starved)
        return self.underruns - told[0], self.starved - told[1]

    def expect(self, now: float) -> None:
        """More is to come: if sound is playing still, a gap before the next is an underrun.

        After a silence that had nothing to be spoken, the next sound is a beginning.
        """
        if self._until is not None and not self._more and now > self._until + CLOCK:
            self._until = None
        self._more = True

    def sent(self, seconds: float, now: float) -> None:
        gap = 0.0 if self._until is None else now - self._until
        if gap > CLOCK and self._more:
            self.underruns += 1
            self.starved += gap
        self._until = (now if self._until is None else max(now, self._until)) + seconds
        self._more = True

    def rest(self) -> None:
        """Nothing more is to come for now: that the listener runs dry is no underrun."""
        self._more = False

    def cut(self) -> None:
        """The far end has thrown away what it had (barge-in)."""
        self._until = None
        self._more = False
