"""Rows of what a simulation gave."""

from collections.abc import Sequence


def percentiles(seconds: Sequence[float]) -> str:
    """p50, p95 and p99 in milliseconds."""
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    at = [ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.95, 0.99)]
    return " / ".join(f"{1000 * each:.0f}" for each in at)


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
