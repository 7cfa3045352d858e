"""Many times as few figures."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Quantiles:
    """Seconds; nearest rank. None where nothing was measured."""

    n: int
    p50: float | None
    p95: float | None

    @classmethod
    def of(cls, values: Iterable[float]) -> "Quantiles":
        known = sorted(values)
        return cls(len(known), *(_rank(known, share) for share in (0.50, 0.95)))


def _rank(known: Sequence[float], share: float) -> float | None:
    return known[math.ceil(share * len(known)) - 1] if known else None


def milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:.1f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of Markdown."""
    return [f"| {' | '.join(head)} |", "|---" * len(head) + "|"] + [
        f"| {' | '.join(row)} |" for row in rows
    ]
