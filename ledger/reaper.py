"""Closes calls whose worker died: it can no longer do so."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from ledger.tables import CallRow, LegRow

PATIENCE = timedelta(seconds=60)
"""A worker says every five seconds that it is there; its database may be away for a while."""

LOST = "worker lost"


def is_lost(seen_at: datetime, now: datetime, patience: timedelta = PATIENCE) -> bool:
    """Whether a call's worker, last seen then, is dead. Pure."""
    return now - seen_at > patience


def reap(engine: Engine, now: datetime, patience: timedelta = PATIENCE) -> Sequence[str]:
    """Close them as failed, when they were last seen; returns their ids.

    A worker that was merely cut off says how its call really ended when it is back.
    """
    open_ = select(CallRow.id, CallRow.seen_at).where(
        CallRow.ended_at.is_(None), CallRow.outcome.is_(None)
    )
    with Session(engine) as session:
        lost = [row.id for row in session.execute(open_) if is_lost(row.seen_at, now, patience)]
    return [call_id for call_id in lost if _close(engine, call_id, now - patience)]


def _close(engine: Engine, call_id: str, deadline: datetime) -> bool:
    """False if its worker, or another reaper, came before us."""
    still = (CallRow.id == call_id, CallRow.outcome.is_(None), CallRow.seen_at < deadline)
    with Session(engine) as session, session.begin():
        seen_at = session.scalar(
            update(CallRow)
            .where(*still)
            .values(state="error", outcome="failed", end_reason=LOST, ended_at=CallRow.seen_at)
            .returning(CallRow.seen_at)
        )
        if seen_at is None:
            return False
        left = (LegRow.call_id == call_id, LegRow.left_at.is_(None))
        session.execute(update(LegRow).where(*left).values(left_at=seen_at))
    return True
