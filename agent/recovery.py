"""What to do when ears, mind or voice fail in a call. Pure: `now` is passed in, in seconds."""

from dataclasses import dataclass
from typing import Literal

Part = Literal["ears", "mind", "voice"]


@dataclass(frozen=True)
class Advice:
    """`apologise`: tell the caller, with sound that needs no engine. `retry_after`: seconds until
    the reply is worth another try, None where the part tries again by itself. `give_up`: say
    goodbye and end the call."""

    apologise: bool = False
    retry_after: float | None = None
    give_up: bool = False


NOTICED: dict[Part, int] = {"ears": 2, "mind": 1, "voice": 1}
"""Failures that the caller notices: lost ears hear again at once, mostly, and have missed nothing."""


@dataclass
class _Episode:
    since: float
    last: float
    failures: int = 0
    retrying: bool = False


class Recovery:
    """One apology an episode, retries with back-off, and an end when `patience` has run out.

    An episode ends when the part works again, or when nobody waits for it any more. One that is
    not retried from here ends when the part has not failed for `quiet` seconds.
    """

    first_retry = 1.0
    longest_retry = 4.0

    def __init__(self, patience: float, quiet: float) -> None:
        self._patience = patience
        self._quiet = quiet
        self._episodes: dict[Part, _Episode] = {}
        self._apologised = False
        self._given_up = False

    @property
    def troubled(self) -> bool:
        """Whether a part is away."""
        return bool(self._episodes)

    def is_away(self, part: Part) -> bool:
        return part in self._episodes

    def slow(self) -> bool:
        """A part takes its time; whether to ask the caller for a moment, which then counts as the
        apology for what may come of it."""
        asked, self._apologised = self._apologised, True
        return not asked

    def failed(self, part: Part, now: float) -> Advice:
        self._forget(now)
        episode = self._episodes.setdefault(part, _Episode(since=now, last=now))
        episode.last = now
        episode.failures += 1
        if self._given_up:
            return Advice()
        if now - episode.since >= self._patience:
            self._given_up = True
            return Advice(give_up=True)
        apologise = not self._apologised and episode.failures >= NOTICED[part]
        self._apologised |= apologise
        retry_after = self._retry_after(part, episode)
        # A try may take longer than `quiet`, and its failure is of the same episode.
        episode.retrying = retry_after is not None
        return Advice(apologise=apologise, retry_after=retry_after)

    def worked(self, part: Part) -> None:
        self._end(part)

    def settled(self, part: Part) -> None:
        """Nobody waits for the part any more."""
        self._end(part)

    def _forget(self, now: float) -> None:
        for part, episode in list(self._episodes.items()):
            if not episode.retrying and now - episode.last > self._quiet:
                self._end(part)

    def _end(self, part: Part) -> None:
        self._episodes.pop(part, None)
        self._apologised &= bool(self._episodes)

    def _retry_after(self, part: Part, episode: _Episode) -> float | None:
        if part == "ears":  # its stream tries again by itself
            return None
        return min(self.first_retry * 2.0 ** (episode.failures - 1), self.longest_retry)


class Unheard:
    """When to say that speech came without words. A line that is never silent is not spoken to for
    ever: after `LIMIT` times it takes words first."""

    LIMIT = 2

    def __init__(self) -> None:
        self._said = 0

    def heard(self) -> None:
        """Words came."""
        self._said = 0

    def speak(self) -> bool:
        """Speech without words has ended; whether to say so."""
        self._said += 1
        return self._said <= self.LIMIT
