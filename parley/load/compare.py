"""Two reports of `parley load`, figure by figure. Pure."""

from collections.abc import Iterator

from parley.load.figures import Figures
from parley.load.report import LoadReport

COMPARED = (
    "setup_rate",
    "answer_p95",
    "first_sound_p50",
    "first_sound_p95",
    "barge_in_p95",
    "gaps_per_minute",
    "failures",
)


def is_worse(before: LoadReport, after: LoadReport) -> bool:
    """It carries fewer calls."""
    return after.capacity < before.capacity


def lines(before: LoadReport, after: LoadReport) -> Iterator[str]:
    """The capacities, then what differs at each number of calls that both have."""
    yield f"capacity: {before.capacity} → {after.capacity} calls at once"
    if before.slo != after.slo:
        yield "they were judged by different SLOs"
    if before.machine.get("cores") != after.machine.get("cores"):
        yield f"cores: {before.machine.get('cores')} → {after.machine.get('cores')}"
    first = {step.figures.calls: step.figures for step in before.steps}
    for step in after.steps:
        if step.figures.calls in first:
            yield from _differences(first[step.figures.calls], step.figures)


def _differences(before: Figures, after: Figures) -> Iterator[str]:
    yield f"{after.calls} calls:"
    for name in COMPARED:
        was, now = getattr(before, name), getattr(after, name)
        if was == now:
            continue
        change = f" ({(now - was) / was:+.0%})" if was and now is not None else ""
        yield f"  {name:<16}{_shown(was):>9} →{_shown(now):>9}{change}"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
