"""Calls that come and go and talk in turns, by chance: what of them is at once. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from random import Random

BINS = 5
"""A second."""

ROLLED = 4.0
"""Mean seconds that the agent speaks in one go."""


@dataclass(frozen=True)
class Talk:
    """A call's, on average: seconds that it lasts, share of it that the agent speaks."""

    lasts: float
    spoken: float


@dataclass(frozen=True)
class AtOnce:
    """One moment in a hundred has more. `voices` speak at once, `arrivals` and `turns` are begun in
    one second."""

    voices: int
    arrivals: int
    turns: int


def simulate(talk: Talk, calls: int, seconds: int, seed: int = 1) -> AtOnce:
    """So many calls are always held: where one ends, the next is let in. Each was under way before."""
    voices = [0] * (seconds * BINS + 1)
    arrivals, turns = [0] * seconds, [0] * seconds
    for number in range(calls):
        chance = Random(seed * 1_000_003 + number)
        for second in _begun(chance, talk, seconds):
            arrivals[second] += 1
        now = -chance.uniform(0, ROLLED / talk.spoken)
        while now < seconds:
            speaks = chance.gammavariate(2, ROLLED / 2)
            _mark(voices, now, now + speaks)
            if now >= 0:
                turns[int(now)] += 1
            now += speaks + chance.gammavariate(2, ROLLED * (1 / talk.spoken - 1) / 2)
    return AtOnce(
        voices=_high(list(accumulate(voices))[:-1]), arrivals=_high(arrivals), turns=_high(turns)
    )


def _begun(chance: Random, talk: Talk, seconds: int) -> Iterable[int]:
    """Seconds in which this place's next calls begin: lengths are exponential."""
    now = chance.expovariate(1 / talk.lasts)
    while now < seconds:
        yield int(now)
        now += chance.expovariate(1 / talk.lasts)


def _mark(bins: list[int], start: float, end: float) -> None:
    first, last = max(0, round(start * BINS)), round(end * BINS)
    if last > first:
        bins[min(first, len(bins) - 1)] += 1
        bins[min(last, len(bins) - 1)] -= 1


def _high(values: list[int]) -> int:
    return sorted(values)[int(0.99 * len(values))]
