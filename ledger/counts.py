"""Counts calls, for who decides whether another is let in, or placed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, Row, cast, extract, func, select

from ledger.places import HELD, WAITING
from ledger.reaper import PATIENCE
from ledger.tables import CallRow

MINUTE = 60.0

ALIVE = timedelta(seconds=15)
"""A worker says every five seconds that it is there: for so long it may be late."""

WAITS = timedelta(seconds=15)
"""Who waits is looked after every second: a worker that has not for so long is dead, and those behind
must not wait for it."""

Live = Row[*tuple[Any, ...]]
"""A call that goes on: the columns `_LIVE`."""

_LIVE = (
    CallRow.id,
    CallRow.direction,
    CallRow.persona,
    CallRow.place,
    CallRow.started_at,
    CallRow.answered_at,
    CallRow.line_seconds,
    CallRow.seen_at,
    CallRow.heard_seconds,
    CallRow.spoken_seconds,
)


@dataclass(frozen=True)
class Asked:
    """The call that wants to be let in; the ledger may have its row or not."""

    id: str
    started_at: datetime
    persona: str
    caller: str | None


@dataclass(frozen=True)
class Spent:
    """Of a day, in minutes. `cost` is of the calls that have one; `unpriced` are the minutes on the
    line of those that have none, `heard` and `spoken` what those of them that go on have had."""

    minutes: float = 0.0
    cost: float = 0.0
    unpriced: float = 0.0
    heard: float = 0.0
    spoken: float = 0.0


@dataclass(frozen=True)
class Counted:
    """Calls, but for the one that asks.

    `taken` are the places of each persona: of calls that hold one, of those that nobody decides on,
    and of earlier ones that nobody has decided on yet. `ahead` are the personas for whom earlier
    callers wait, in their order. `of_caller` are the caller's that were answered.
    """

    taken: Counter[str]
    ahead: tuple[str, ...]
    of_caller: int
    spent: Spent


def count_calls(
    connection: Connection,
    asked: Asked,
    *,
    now: datetime,
    caller_since: datetime,
    day_since: datetime,
) -> Counted:
    """A call whose worker is dead does not go on."""
    live = _live(connection, now)
    others = sorted(
        (row for row in live if row.id != asked.id), key=lambda row: (row.started_at, row.id)
    )
    earlier = {row.id for row in others if (row.started_at, row.id) < (asked.started_at, asked.id)}
    return Counted(
        taken=Counter(row.persona for row in others if _takes(row, earlier=row.id in earlier)),
        ahead=tuple(row.persona for row in others if row.id in earlier and _waits(row, now)),
        of_caller=_of_caller(connection, asked, caller_since),
        spent=_with_live(_of_the_dead(connection, day_since), others, day_since, now),
    )


def spent_since(connection: Connection, since: datetime, now: datetime) -> Spent:
    return _with_live(_of_the_dead(connection, since), _live(connection, now), since, now)


def is_held(connection: Connection, room: str, now: datetime) -> bool:
    """Whether the call of that room goes on, with a worker that was alive a moment ago."""
    theirs = (CallRow.room == room, CallRow.ended_at.is_(None), CallRow.seen_at > now - ALIVE)
    return connection.scalar(select(func.count()).where(*theirs)) != 0


def _live(connection: Connection, now: datetime) -> Sequence[Live]:
    """Few: those who are on the line now."""
    goes_on = (CallRow.ended_at.is_(None), CallRow.seen_at > now - PATIENCE)
    return connection.execute(select(*_LIVE).where(*goes_on)).all()


def _takes(row: Live, *, earlier: bool) -> bool:
    undecided: bool = row.place is None and (earlier or row.direction != "inbound")
    return undecided or row.place == HELD


def _waits(row: Live, now: datetime) -> bool:
    return bool(row.place == WAITING and row.seen_at > now - WAITS)


def _of_caller(connection: Connection, asked: Asked, since: datetime) -> int:
    if asked.caller is None:
        return 0
    theirs = select(func.count()).where(
        CallRow.from_number == asked.caller,
        CallRow.started_at >= since,
        CallRow.answered_at.is_not(None),
        CallRow.id != asked.id,
    )
    return connection.scalar(theirs) or 0


def _of_the_dead(connection: Connection, since: datetime) -> Spent:
    """Of calls that are over: plain sums from the index alone, for there may be many."""
    over = (CallRow.answered_at >= since, CallRow.ended_at.is_not(None))
    sums = select(
        func.count(),
        func.sum(CallRow.line_seconds),
        func.count(CallRow.line_seconds),
        func.sum(CallRow.cost),
        func.count(CallRow.cost),
    ).where(*over)
    calls, seconds, timed, cost, priced = connection.execute(sums).one()
    lasted = func.coalesce(CallRow.line_seconds, _lasted(connection))
    total, unpriced = seconds or 0.0, 0.0
    if timed < calls:
        total = connection.scalar(select(func.sum(lasted)).where(*over)) or 0.0
    if priced == 0:
        unpriced = total
    elif priced < calls:
        dear = select(func.sum(lasted)).where(*over, CallRow.cost.is_(None))
        unpriced = connection.scalar(dear) or 0.0
    return Spent(float(total) / MINUTE, float(cost or 0.0), float(unpriced) / MINUTE)


def _with_live(spent: Spent, live: Iterable[Live], since: datetime, now: datetime) -> Spent:
    answered = [row for row in live if row.answered_at and row.answered_at >= since]
    seconds = sum(_so_far(row, now) for row in answered)
    return Spent(
        spent.minutes + seconds / MINUTE,
        spent.cost,
        spent.unpriced + seconds / MINUTE,
        sum(row.heard_seconds for row in answered) / MINUTE,
        sum(row.spoken_seconds for row in answered) / MINUTE,
    )


def _so_far(row: Live, now: datetime) -> float:
    """As its worker counted when it was last seen: the clock may have been put since it was answered."""
    if row.line_seconds is not None:
        return float(row.line_seconds)
    lasted: timedelta = now - row.answered_at
    return max(0.0, lasted.total_seconds())


def _lasted(connection: Connection) -> ColumnElement[float]:
    """For a call whose worker died: nobody wrote how long it had been."""
    if connection.dialect.name == "sqlite":
        days = func.julianday(CallRow.ended_at) - func.julianday(CallRow.answered_at)
        return days * 86_400.0
    return cast(extract("epoch", CallRow.ended_at - CallRow.answered_at), Float)
