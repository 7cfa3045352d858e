"""Turns taken on paper: what a point of three settings costs. Pure; all times are seconds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp
from statistics import NormalDist, fmean

NOTICED = 0.1
"""From the caller's next sound until the voice detector calls it speech."""

FLUSHED = 0.25
"""From the end of speech until the ears are asked for their text: the detector's own silence."""

EARS = 0.15
"""That they take for it."""

ANSWERS = 0.2
"""From a turn taken to the agent's first sound. Who goes on before is merely heard further."""

QUANTILES = 20
"""Of each distribution of pauses."""


@dataclass(frozen=True)
class Point:
    threshold: float
    least: float
    most: float


TODAY = Point(0.25, 0.3, 0.7)


@dataclass(frozen=True)
class Pauses:
    """How long callers are silent within a turn: log-normal."""

    median: float
    spread: float = 0.5
    """Standard deviation of the logarithm: with 0.5, one in twenty lasts 2.3 times the median."""

    def lengths(self) -> tuple[float, ...]:
        steps = [(at + 0.5) / QUANTILES for at in range(QUANTILES)]
        return tuple(
            self.median * exp(self.spread * NormalDist().inv_cdf(share)) for share in steps
        )


@dataclass(frozen=True)
class Silence:
    """After speech. `pauses`: how long it may last before the caller goes on; empty: it is over."""

    kind: str
    probability: float
    pauses: tuple[float, ...] = ()
    answers: bool = False
    """A short answer to a question, by its words: it never waits for `most`."""


@dataclass(frozen=True)
class Cost:
    """Of the pauses and of the ends, each kind weighs the same."""

    taken: float
    """Share of the pauses in which the turn was taken."""
    cut: float
    """Share of the pauses in which the agent began to speak."""
    waited: float
    """In the mean, after turns that were over."""
    at_most: float
    """That one in twenty waited, or longer."""


def taken_after(silence: Silence, point: Point) -> float:
    """Silence until the turn is taken, if nothing more is said. The text of a turn that does not
    sound finished is asked for at half of its wait."""
    likely = silence.probability >= point.threshold
    wait = point.least if likely or silence.answers else point.most
    asked = max(FLUSHED, 0.0 if likely else wait / 2)
    return max(wait, asked + EARS)


def cost(silences: Sequence[Silence], point: Point) -> Cost:
    ends = [each for each in silences if not each.pauses]
    waits = sorted(taken_after(each, point) for each in ends)
    holds = [(each, taken_after(each, point)) for each in silences if each.pauses]

    def sooner(by: float) -> float:
        shares = [fmean(at + by < gap + NOTICED for gap in each.pauses) for each, at in holds]
        return _by_kind(zip((each.kind for each, _ in holds), shares, strict=True))

    return Cost(
        taken=sooner(0.0),
        cut=sooner(ANSWERS),
        waited=_by_kind((each.kind, taken_after(each, point)) for each in ends),
        at_most=waits[int(0.95 * (len(waits) - 1))],
    )


def sweep(
    silences: Sequence[Silence],
    thresholds: Iterable[float],
    least: Iterable[float],
    most: Iterable[float],
) -> dict[Point, Cost]:
    most = tuple(most)
    points = [
        Point(threshold, shortest, longest)
        for threshold in thresholds
        for shortest in least
        for longest in most
        if longest >= shortest
    ]
    return {point: cost(silences, point) for point in dict.fromkeys(points)}


def frontier(costs: dict[Point, Cost]) -> dict[Point, Cost]:
    """Those that no other beats in both, by the wait."""
    best: dict[Point, Cost] = {}
    for point, each in sorted(costs.items(), key=lambda item: (item[1].waited, item[1].cut)):
        if all(each.cut < other.cut for other in best.values()):
            best[point] = each
    return best


def told_apart(ends: Sequence[float], pauses: Sequence[float]) -> float:
    """Area under the curve: how often an end scores above a pause. 0.5 is chance."""
    pairs = [(end > pause) + 0.5 * (end == pause) for end in ends for pause in pauses]
    return fmean(pairs)


def _by_kind(figures: Iterable[tuple[str, float]]) -> float:
    kinds: dict[str, list[float]] = {}
    for kind, figure in figures:
        kinds.setdefault(kind, []).append(figure)
    return fmean(fmean(each) for each in kinds.values())
