"""Whether what was looked at again and again grows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

ALLOWED = {"MiB": (16.0, 0.05), "descriptors": (6.0, 0.0), "threads": (6.0, 0.0)}
"""What may grow in all by kind: so much, or this share of what there was if that is more."""

NONE = (0.5, 0.0)
"""Of anything else: not one."""

PROCESSES = (2.0, 0.0)
"""A worker keeps some warm, and one may be about to come or go."""


@dataclass(frozen=True)
class Growth:
    """`grown` is what the slope makes of all calls between the first look and the last."""

    name: str
    first: float
    last: float
    grown: float
    allowed: float

    @property
    def flat(self) -> bool:
        return self.grown <= self.allowed


def judge(samples: Sequence[Mapping[str, float]]) -> list[Growth]:
    """Of each name in the samples, over `calls`. Fewer than three samples say nothing."""
    if len(samples) < 3:  # noqa: PLR2004
        return []
    calls = [sample["calls"] for sample in samples]
    return [
        _growth(name, calls, [sample[name] for sample in samples])
        for name in samples[0]
        if name != "calls"
    ]


def slope(at: Sequence[float], values: Sequence[float]) -> float:
    """Theil and Sen's: one look that is far off does not move it."""
    pairs = combinations(zip(at, values, strict=True), 2)
    return median((y - v) / (x - u) for (u, v), (x, y) in pairs if x != u)


def _growth(name: str, calls: Sequence[float], values: Sequence[float]) -> Growth:
    kind = name.rpartition(" ")[2]
    least, share = PROCESSES if kind == "processes" else ALLOWED.get(kind, NONE)
    allowed = max(least, share * median(values))
    grown = slope(calls, values) * (calls[-1] - calls[0])
    return Growth(name, values[0], values[-1], round(grown, 2), round(allowed, 2))
