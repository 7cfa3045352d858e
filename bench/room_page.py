"""The page of `bench.room`: its figures as a table. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.room_sound import difference
from sip.simulate.measure import Spread


def page_of(found: Mapping[str, Any]) -> list[str]:
    paints = found["paints"]
    alone, watched = _known(found["replies"]), _known(found["replies_watched"])
    apart, low, high = difference(alone, watched)
    return [
        "# The room in a browser",
        "Chromium, Parley with rehearsal models and the bench on one machine. What is measured, and how, "
        "is told at the head of `bench/room.py`.",
        "",
        "| | n | p50 | p95 | budget |",
        "|---|---|---|---|---|",
        _row("first contentful paint, s", [each["first"] / 1000 for each in paints], "1"),
        _row("largest contentful paint, s", [each["largest"] / 1000 for each in paints], "none"),
        _row("first load, kB", [each["bytes"] / 1000 for each in paints], "300"),
        _row("click → greeting's first sound, s", _known(found["greetings"]), "p95 2.5"),
        _row("caller stops → first sound, s", alone, "p50 0.6"),
        _row("the same while somebody listens in, s", watched, "the same"),
        "",
        f"Listening in adds {apart * 1000:+.0f} ms to the p50 (95 % interval {low * 1000:+.0f} to "
        f"{high * 1000:+.0f} ms, bootstrap).",
        "",
        f"Turns that are not in it, because the agent still spoke or said nothing: "
        f"{_unknown(found['replies'])} alone, {_unknown(found['replies_watched'])} watched. Calls "
        f"without a greeting: {_unknown(found['greetings'])}.",
    ]


def _row(name: str, values: Sequence[float], budget: str) -> str:
    spread = Spread.of(values)
    p50, p95 = (f"{each:.3f}" if each is not None else "-" for each in (spread.p50, spread.p95))
    return f"| {name} | {len(values)} | {p50} | {p95} | {budget} |"


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _unknown(values: Sequence[float | None]) -> int:
    return len(values) - len(_known(values))
