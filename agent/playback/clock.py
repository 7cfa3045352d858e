"""How far a listener is behind what was handed over. Pure: `now` is passed in, in seconds."""


class PlayoutClock:
    """How much sound lies ahead of the listener, if it plays in real time."""

    def __init__(self) -> None:
        self.played = 0.0
        self._ahead = 0.0
        self._at = 0.0

    def ahead(self, now: float) -> float:
        """Seconds of sound handed over and not played yet."""
        passed, self._at = now - self._at, now
        step = min(self._ahead, passed)
        self._ahead -= step
        self.played += step
        return self._ahead

    def add(self, seconds: float, now: float) -> None:
        self._ahead = self.ahead(now) + seconds

    def clear(self, now: float) -> None:
        """What lies ahead is dropped, unplayed."""
        self.ahead(now)
        self._ahead = 0.0
