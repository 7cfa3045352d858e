"""Counts calls, for who decides whether another is let in."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, Float, case, cast, extract, func, or_, select

from ledger.reaper import PATIENCE
from ledger.tables import CallRow

MINUTE = 60.0


@dataclass(frozen=True)
class Asked:
    """The call that wants to be let in; the ledger may have its row or not."""

    id: str
    started_at: datetime
    persona: str
    caller: str | None


@dataclass(frozen=True)
class Counted:
    """Calls, but for the one that asks. `at_once` and `of_persona` go on, and began before it."""

    at_once: int
    of_persona: int
    of_caller: int
    minutes: float


def count_calls(
    engine: Engine, asked: Asked, *, now: datetime, caller_since: datetime, minutes_since: datetime
) -> Counted:
    """In one statement. `of_caller` are those that were answered since then, `minutes` those that
    callers have been on the line since then. A call whose worker is dead does not go on."""
    alive = CallRow.ended_at.is_(None) & (CallRow.seen_at > now - PATIENCE)
    earlier = (CallRow.started_at < asked.started_at) | (
        (CallRow.started_at == asked.started_at) & (CallRow.id < asked.id)
    )
    theirs = (
        (CallRow.from_number == asked.caller)
        & CallRow.answered_at.is_not(None)
        & (CallRow.started_at >= caller_since)
    )
    today = CallRow.answered_at >= minutes_since
    since = min(caller_since, minutes_since)
    wanted = select(
        _count(alive & earlier),
        _count(alive & earlier & (CallRow.persona == asked.persona)),
        _count(theirs),
        func.coalesce(func.sum(case((today, _seconds(engine, now)), else_=0.0)), 0.0),
    ).where(CallRow.id != asked.id, or_(CallRow.started_at >= since, CallRow.ended_at.is_(None)))
    with engine.connect() as connection:
        at_once, of_persona, of_caller, seconds = connection.execute(wanted).one()
    return Counted(at_once, of_persona, of_caller, float(seconds) / MINUTE)


def _count(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((which, 1), else_=0)), 0)


def _seconds(engine: Engine, now: datetime) -> ColumnElement[float]:
    """That a call has been on the line."""
    until = func.coalesce(CallRow.ended_at, now)
    if engine.dialect.name == "sqlite":
        return (func.julianday(until) - func.julianday(CallRow.answered_at)) * 86_400.0
    return cast(extract("epoch", until - CallRow.answered_at), Float)
