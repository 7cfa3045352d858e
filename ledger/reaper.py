"""Closes calls whose worker died: it can no longer do so."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from ledger.tables import CallRow, LegRow
from ledger.unchanged import Unchanged

PATIENCE = timedelta(seconds=60)
"""A worker says every five seconds that it is there; its database may be away for a while."""

LOST = "worker lost"

GOING_ON = select(CallRow.id, CallRow.seen_at, CallRow.room, CallRow.worker).where(
    CallRow.ended_at.is_(None), CallRow.outcome.is_(None)
)


def is_lost(seen_at: datetime, now: datetime, patience: timedelta = PATIENCE) -> bool:
    """Whether a call's worker, last seen then, is dead. Pure."""
    return now - seen_at > patience


class Reaper:
    """Closes lost calls as failed, when they were last seen. `close` blocks.

    The first look trusts the wall clock, for nobody knows how long it has been so; from then on a
    sign of life counts that does not change, by a steady clock: a wall clock that is put forward
    closes no call, and one that is put back leaves none open.

    A worker that was merely cut off says how its call really ended when it is back.
    """

    def __init__(self, patience: timedelta = PATIENCE) -> None:
        self._patience = patience
        self._signs = Unchanged(patience.total_seconds())
        self._has_looked = False

    def close(self, engine: Engine, now: datetime, steady: float) -> Sequence[str]:
        """Returns their ids. `steady` is seconds of a clock that nobody puts."""
        signs = _signs_of_life(engine)
        silent = self._signs.look(signs, steady)
        if not self._has_looked:
            silent |= {call for call, at in signs.items() if is_lost(at, now, self._patience)}
        self._has_looked = True
        return [call_id for call_id in sorted(silent) if _close(engine, call_id, signs[call_id])]

    def away(self) -> None:
        """The ledger could not be looked at, nor, it may be, written."""
        self._signs.forget()


def reap(engine: Engine, now: datetime, patience: timedelta = PATIENCE) -> Sequence[str]:
    """The same in one look, by the wall clock alone."""
    return Reaper(patience).close(engine, now, 0.0)


def holders(engine: Engine) -> Sequence[tuple[str, str]]:
    """Of calls that go on: room, and process (`ledger.holder.this_process`). Blocks."""
    with Session(engine) as session:
        return [(row.room, row.worker) for row in session.execute(GOING_ON)]


def _signs_of_life(engine: Engine) -> Mapping[str, datetime]:
    """Of calls that go on: when each was last seen."""
    with Session(engine) as session:
        return {row.id: row.seen_at for row in session.execute(GOING_ON)}


def _close(engine: Engine, call_id: str, last_sign: datetime) -> bool:
    """False if its worker, or another reaper, came before us."""
    still = (CallRow.id == call_id, CallRow.outcome.is_(None), CallRow.seen_at == last_sign)
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
