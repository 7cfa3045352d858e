"""What came of the calls of a span of time: counts, and how long the agent took to answer."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, func, select
from sqlalchemy.orm import Session

from ledger.tables import CallRow, EventRow, TurnRow
from ledger.waterfall import parts_of_turns

SAMPLE = 50
"""Calls of a span, the newest, whose latencies are read: a percentile needs no more of a day."""

INTERRUPTION, FAILURE = "interruption", "failure"
"""Kinds of events that are counted."""

ANSWERED = "answered"

LAG = timedelta(days=1)
"""An event of a call is no later than this after the call began: none lasts longer."""

Weighted = tuple[float, float]
"""Seconds, and how many turns stand behind them."""


@dataclass(frozen=True)
class Figures:
    """`over` are the calls that have ended, by outcome in `outcomes`. `took` has seconds by part."""

    calls: int
    inbound: int
    outcomes: Mapping[str, int]
    interruptions: int
    failures: int
    took: Mapping[str, Sequence[Weighted]]

    @property
    def over(self) -> int:
        return sum(self.outcomes.values())

    @property
    def answered(self) -> int:
        return self.outcomes.get(ANSWERED, 0)

    @property
    def answer_rate(self) -> float | None:
        """Of the calls that are over; None: none is."""
        return self.answered / self.over if self.over else None


def read_figures(
    engine: Engine, since: datetime, until: datetime, *, tests: bool = False
) -> Figures:
    """Of the calls that began then; with those of the test room if `tests`."""
    which = [CallRow.started_at >= since, CallRow.started_at < until]
    if not tests:
        which.append(CallRow.test.is_(False))
    with Session(engine) as session:
        counts = session.execute(
            select(CallRow.outcome, CallRow.direction, func.count())
            .where(*which)
            .group_by(CallRow.outcome, CallRow.direction)
        ).all()
        events = _events(session, which, since, until)
        sampled, turns = _sample(session, which)
    outcomes: Counter[str] = Counter()
    for outcome, _, count in counts:
        if outcome:
            outcomes[outcome] += count
    weight = outcomes[ANSWERED] / sampled if sampled else 0.0
    return Figures(
        calls=sum(count for _, _, count in counts),
        inbound=sum(count for _, direction, count in counts if direction == "inbound"),
        outcomes=dict(outcomes),
        interruptions=events.get(INTERRUPTION, 0),
        failures=events.get(FAILURE, 0),
        took=_took(turns, weight),
    )


def total(days: Iterable[Figures]) -> Figures:
    """All of them together."""
    outcomes: Counter[str] = Counter()
    took: dict[str, list[Weighted]] = {}
    calls = inbound = interruptions = failures = 0
    for day in days:
        calls, inbound = calls + day.calls, inbound + day.inbound
        interruptions += day.interruptions
        failures += day.failures
        outcomes.update(day.outcomes)
        for part, seconds in day.took.items():
            took.setdefault(part, []).extend(seconds)
    return Figures(calls, inbound, dict(outcomes), interruptions, failures, took)


def percentile(values: Sequence[Weighted], share: float) -> float | None:
    """The least value that so great a share of the weight does not exceed. None without values."""
    left = share * sum(weight for _, weight in values)
    ordered = sorted(values)
    for value, weight in ordered:
        left -= weight
        if left <= 0:
            return value
    return ordered[-1][0] if ordered else None


def _events(
    session: Session, which: Sequence[ColumnElement[bool]], since: datetime, until: datetime
) -> dict[str, int]:
    wanted = (
        select(EventRow.kind, func.count())
        .join(CallRow, CallRow.id == EventRow.call_id)
        .where(EventRow.kind.in_((INTERRUPTION, FAILURE)))
        .where(EventRow.at >= since, EventRow.at < until + LAG, *which)
        .group_by(EventRow.kind)
    )
    return {row.kind: row[1] for row in session.execute(wanted)}


def _sample(
    session: Session, which: Sequence[ColumnElement[bool]]
) -> tuple[int, Sequence[Row[tuple[str, str, dict[str, Any]]]]]:
    newest = select(CallRow.id).where(*which, CallRow.outcome == ANSWERED)
    newest = newest.order_by(CallRow.started_at.desc()).limit(SAMPLE)
    calls = session.scalars(newest).all()
    wanted = select(TurnRow.call_id, TurnRow.role, TurnRow.latencies)
    wanted = wanted.where(TurnRow.call_id.in_(calls))
    turns = session.execute(wanted.order_by(TurnRow.call_id, TurnRow.at, TurnRow.id)).all()
    return len(calls), turns


def _took(
    turns: Sequence[Row[tuple[str, str, dict[str, Any]]]], weight: float
) -> dict[str, list[Weighted]]:
    """Of replies alone: a greeting was waited for by nobody."""
    took: dict[str, list[Weighted]] = {}
    for _, group in groupby(turns, key=lambda turn: turn.call_id):
        for reply in parts_of_turns((turn.role, turn.latencies) for turn in group):
            if "whole" in reply:
                for part, seconds in reply.items():
                    took.setdefault(part, []).append((seconds, weight))
    return took
