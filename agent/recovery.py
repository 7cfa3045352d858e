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


@dataclass
class _Episode:
    since: float
    last: float
    failures: int = 0


class Recovery:
    """One apology an episode, retries with back-off, and an end when `patience` has run out.

    An episode ends when the part works again, or when it has not failed for `quiet` seconds.
    """

    first_retry = 1.0
    longest_retry = 4.0

    def __init__(self, patience: float, quiet: float) -> None:
        self._patience = patience
        self._quiet = quiet
        self._episodes: dict[Part, _Episode] = {}
        self._given_up = False

    def failed(self, part: Part, now: float) -> Advice:
        episode = self._episodes.get(part)
        if episode is None or now - episode.last > self._quiet:
            episode = self._episodes[part] = _Episode(since=now, last=now)
        episode.last = now
        episode.failures += 1
        if self._given_up:
            return Advice()
        if now - episode.since >= self._patience:
            self._given_up = True
            return Advice(give_up=True)
        first_of_all = episode.failures == 1 and len(self._episodes) == 1
        return Advice(apologise=first_of_all, retry_after=self._retry_after(part, episode))

    def worked(self, part: Part) -> None:
        self._episodes.pop(part, None)

    def _retry_after(self, part: Part, episode: _Episode) -> float | None:
        if part == "ears":  # the session opens a new stream by itself
            return None
        return min(self.first_retry * 2.0 ** (episode.failures - 1), self.longest_retry)
