"""Webhooks to be sent: what happened to calls, each told once to each address, or given up in time.

An event follows from what stands in the ledger, so that a call whose worker died is told, too.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Engine, case, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ledger.calls import read_call
from ledger.tables import CallRow, DeliveryRow, TurnRow

Event = Literal[
    "call.started",
    "call.ended",
    "call.failed",
    "transcript.ready",
    "summary.ready",
    "recording.ready",
]

FAILED = "failed"
WAITING, SENT, GIVEN_UP = "waiting", "sent", "given up"

RECENT = timedelta(days=1)
"""Calls that began before are told no more: an address that is new is not told the past."""

LEASE = timedelta(seconds=60)
"""For which who sends a delivery has it for themselves; who dies leaves it to others after that."""

RETRIES = tuple(
    timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 1800, 3600, *[7200] * 10)
)
"""Before each further attempt: a day, in all."""

_HAPPENED: dict[Event, ColumnElement[bool]] = {
    "call.started": CallRow.answered_at.is_not(None),
    "call.ended": CallRow.ended_at.is_not(None) & (CallRow.outcome != FAILED),
    "call.failed": CallRow.ended_at.is_not(None) & (CallRow.outcome == FAILED),
    "transcript.ready": CallRow.ended_at.is_not(None)
    & select(TurnRow.id).where(TurnRow.call_id == CallRow.id).exists(),
    "summary.ready": or_(CallRow.summary.is_not(None), CallRow.extracted.is_not(None)),
    "recording.ready": CallRow.recording.is_not(None),
}

_PARTS: dict[Event, tuple[str, ...]] = {
    "transcript.ready": ("turns", "tool_calls"),
    "summary.ready": ("summary", "extracted"),
    "recording.ready": ("recording",),
}
"""What an event carries besides the call's own columns; the others have only those."""

_OWN = ("turns", "tool_calls", "events", "legs", "summary", "extracted", "recording")


def spool(engine: Engine, urls: Sequence[str], now: datetime) -> int:
    """Put everything that has happened and is not on the spool yet on it; returns how much that is."""
    found = [
        (event, url, call_id)
        for url in urls
        for event, happened in _HAPPENED.items()
        for call_id in _untold(engine, event, happened, url, now)
    ]
    return sum(_put(engine, event, url, call_id, now) for event, url, call_id in found)


def take(engine: Engine, now: datetime, limit: int) -> list[DeliveryRow]:
    """Those that are due, for the one who asks alone until `LEASE` is over."""
    due = (
        select(DeliveryRow.id)
        .where(DeliveryRow.state == WAITING, _is_due(now))
        .order_by(DeliveryRow.due_at)
        .limit(limit)
    )
    with Session(engine) as session, session.begin():
        taken = [each for each in session.scalars(due) if _lease(session, each, now)]
        rows = session.scalars(select(DeliveryRow).where(DeliveryRow.id.in_(taken))).all()
        session.expunge_all()
    return list(rows)


def settle(engine: Engine, delivery: DeliveryRow, *, sent: bool, answer: str, now: datetime) -> str:
    """What came of an attempt; returns the delivery's state."""
    attempts = delivery.attempts + 1
    again = attempts <= len(RETRIES) and not sent
    state = SENT if sent else WAITING if again else GIVEN_UP
    due = now + RETRIES[attempts - 1] if again else now
    _change(engine, delivery.id, state=state, attempts=attempts, answer=answer, due_at=due)
    return state


def replay(engine: Engine, call_id: str, now: datetime) -> int:
    """Send all that was told of a call once more; returns how many deliveries that are."""
    anew = update(DeliveryRow).where(DeliveryRow.call_id == call_id)
    with Session(engine) as session, session.begin():
        changed = session.execute(anew.values(state=WAITING, attempts=0, due_at=now))
        return int(changed.rowcount)  # type: ignore[attr-defined]  # of a cursor's result


def deliveries(engine: Engine, *, state: str | None = None, limit: int = 100) -> list[DeliveryRow]:
    """The newest first."""
    wanted = select(DeliveryRow).order_by(DeliveryRow.created_at.desc(), DeliveryRow.id)
    if state:
        wanted = wanted.where(DeliveryRow.state == state)
    with Session(engine) as session:
        rows = session.scalars(wanted.limit(limit)).all()
        session.expunge_all()
    return list(rows)


def _untold(
    engine: Engine, event: Event, happened: ColumnElement[bool], url: str, now: datetime
) -> Sequence[str]:
    told = select(DeliveryRow.id).where(
        DeliveryRow.call_id == CallRow.id, DeliveryRow.event == event, DeliveryRow.url == url
    )
    wanted = select(CallRow.id).where(CallRow.started_at > now - RECENT, happened, ~told.exists())
    with Session(engine) as session:
        return session.scalars(wanted.order_by(CallRow.started_at)).all()


def _put(engine: Engine, event: Event, url: str, call_id: str, now: datetime) -> bool:
    """False if somebody else has done so, or the call was erased meanwhile."""
    call = read_call(engine, call_id, numbers=True)
    if call is None:
        return False
    key = f"whd_{uuid.uuid4().hex}"
    row = DeliveryRow(
        id=key,
        call_id=call_id,
        event=event,
        url=url,
        body=json.dumps(_body(key, event, call, now), ensure_ascii=False),
        created_at=now,
        due_at=now,
        state=WAITING,
    )
    try:
        with Session(engine) as session, session.begin():
            session.add(row)
    except IntegrityError:
        return False
    return True


def _body(key: str, event: Event, call: dict[str, Any], now: datetime) -> dict[str, Any]:
    kept = {name: value for name, value in call.items() if name not in _OWN}
    parts = {name: call[name] for name in _PARTS.get(event, ())}
    created = now.isoformat(timespec="milliseconds")
    return {"id": key, "type": event, "created": created, "call": kept | parts}


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Also what would wait longer than it was ever told to: the clock has been put back since."""
    waits = {n: now + 2 * LEASE + wait for n, wait in enumerate((timedelta(), *RETRIES))}
    moment = DeliveryRow.due_at.type
    longest = case(
        {n: literal(until, moment) for n, until in waits.items()},
        value=DeliveryRow.attempts,
        else_=literal(now + 2 * LEASE + max(RETRIES), moment),
    )
    return or_(DeliveryRow.due_at <= now, DeliveryRow.due_at > longest)


def _lease(session: Session, key: str, now: datetime) -> bool:
    ours = update(DeliveryRow).where(
        DeliveryRow.id == key, DeliveryRow.state == WAITING, _is_due(now)
    )
    return session.scalar(ours.values(due_at=now + LEASE).returning(DeliveryRow.id)) is not None


def _change(engine: Engine, key: str, **values: Any) -> None:
    with Session(engine) as session, session.begin():
        session.execute(update(DeliveryRow).where(DeliveryRow.id == key).values(**values))
