"""When sound alone, without words, may make the agent stop. Pure: `now` in seconds."""


class Cooldown:
    """Not for a while after it has made the agent stop, and not while the caller says `uh-huh`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = float("-inf")
        self._acknowledging = False

    def stopped(self, now: float) -> None:
        self._until = now + self._seconds

    def heard(self, *, acknowledgement: bool) -> None:
        """Of the words so far of what is being said."""
        self._acknowledging = acknowledgement

    def silence(self) -> None:
        """What was being said is over."""
        self._acknowledging = False

    def sound_interrupts(self, now: float) -> bool:
        return now >= self._until and not self._acknowledging

    def left(self, now: float) -> float:
        return max(0.0, self._until - now)
