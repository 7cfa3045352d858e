"""Removes calls, with all that is known of them, so that nothing of them is left in the files."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, and_, case, delete, or_, select, text, update
from sqlalchemy.orm import Session

from ledger.tables import CallRow, DialRow, LegRow

CALLER = case((CallRow.direction == "outbound", CallRow.to_number), else_=CallRow.from_number)
"""The number of whom we talked with."""


@dataclass(frozen=True)
class Erased:
    """`calls` by id; `recordings` are where their sound lies, which the ledger cannot remove."""

    calls: tuple[str, ...]
    recordings: tuple[str, ...] = ()
    dials: int = 0
    kept: tuple[str, ...] = ()
    """Calls that go on: their worker still writes them."""


def erase_call(engine: Engine, call_id: str) -> Erased:
    with Session(engine) as session, session.begin():
        erased = _erase(session, CallRow.id == call_id)
    _forget(engine)
    return erased


def erase_caller(engine: Engine, number: str) -> Erased:
    """Whom we talked with under it, in or out, those who were called in vain or still shall be,
    and the number where somebody was transferred to it."""
    with Session(engine) as session, session.begin():
        of_calls = _erase(session, CALLER.in_((number,)))
        dials = session.scalars(
            delete(DialRow)
            .where(DialRow.to_number == number, DialRow.state != "dialling")
            .returning(DialRow.id)
        ).all()
        session.execute(
            update(LegRow).where(LegRow.number == number).values(number=None, identity="")
        )
    _forget(engine)
    return Erased(of_calls.calls, of_calls.recordings, len(dials), of_calls.kept)


def erase_older(engine: Engine, than: datetime) -> Erased:
    """Calls that ended before then, and the dials that were done with before then."""
    with Session(engine) as session, session.begin():
        erased = _erase(session, CallRow.ended_at < than)
        done = and_(DialRow.state.in_(("done", "cancelled")), DialRow.due_at < than)
        dials = session.scalars(delete(DialRow).where(done).returning(DialRow.id)).all()
    _forget(engine)
    return Erased(erased.calls, erased.recordings, len(dials), erased.kept)


def _erase(session: Session, which: ColumnElement[bool]) -> Erased:
    over = or_(CallRow.ended_at.is_not(None), CallRow.outcome.is_not(None))
    kept = session.scalars(select(CallRow.id).where(which, ~over)).all()
    gone = session.execute(
        delete(CallRow).where(which, over).returning(CallRow.id, CallRow.recording)
    ).all()
    recordings = tuple(recording for _, recording in gone if recording)
    return Erased(tuple(call_id for call_id, _ in gone), recordings, 0, tuple(kept))


def _forget(engine: Engine) -> None:
    """SQLite's log of changes still holds what was written."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
