"""The queue of calls that we shall place: the table `dials`, which outlives us.

Blocking: it is called from a thread. Each method is one statement or one transaction, so that any
number of diallers, in one process or several, may share a queue.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import Engine, Row, exists, func, insert, select, update
from sqlalchemy.orm import aliased
from sqlalchemy.sql import ColumnElement

from agent.call import Outcome
from ledger.counts import Spent, spent_since
from ledger.tables import CallRow, DialRow
from sip.outbound.result import Result


class State(StrEnum):
    WAITING = "waiting"
    DIALLING = "dialling"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Order:
    """Whom to call as whom. Numbers are E.164 and have passed the policy."""

    to: str
    from_: str
    persona: str
    vars: Mapping[str, str] = field(default_factory=dict)
    due_at: datetime | None = None
    """Now, if not given."""


@dataclass(frozen=True)
class Dial:
    """A row. `call_id` is there once the callee's telephone may have rung in this attempt."""

    id: str
    order: Order
    state: State
    attempts: int
    due_at: datetime
    claimed_at: datetime | None
    call_id: str | None
    outcome: Outcome | None
    sip_code: int | None
    words: str | None

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        return cls(
            id=row.id,
            order=Order(row.to_number, row.from_number, row.persona, row.vars, row.due_at),
            state=State(row.state),
            attempts=row.attempts,
            due_at=row.due_at,
            claimed_at=row.claimed_at,
            call_id=row.call_id,
            outcome=Outcome(row.outcome) if row.outcome else None,
            sip_code=row.sip_code,
            words=row.words,
        )


_COLUMNS = tuple(DialRow.__table__.columns)
_OPEN = DialRow.state.in_([State.WAITING, State.DIALLING])
_MOST = 10_000  # rows that are shown


class Queue:
    """`claimant` names this dialler among others, in the rows that it holds."""

    def __init__(self, engine: Engine, claimant: str) -> None:
        self._engine = engine
        self._claimant = claimant

    def add(self, order: Order, now: datetime, *, held: bool = False) -> str:
        """Returns the dial's id. `held`: for us alone, who dial it at once."""
        dial_id = f"dial-{uuid.uuid4().hex[:12]}"
        values = insert(DialRow).values(
            id=dial_id,
            to_number=order.to,
            from_number=order.from_,
            persona=order.persona,
            vars=dict(order.vars),
            asked_at=now,
            due_at=order.due_at or now,
            state=State.DIALLING if held else State.WAITING,
            attempts=0,
            claimed_by=self._claimant if held else None,
        )
        with self._engine.begin() as connection:
            connection.execute(values)
        return dial_id

    def get(self, dial_id: str) -> Dial | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(*_COLUMNS).where(DialRow.id == dial_id)).first()
        return Dial.of(row) if row else None

    def was_answered(self, call_id: str) -> bool:
        """As far as the agent has written it."""
        wanted = select(CallRow.answered_at).where(CallRow.id == call_id)
        with self._engine.connect() as connection:
            return connection.scalar(wanted) is not None

    def spent(self, since: datetime, now: datetime) -> Spent:
        """On all calls of the ledger, those that came to us too."""
        with self._engine.connect() as connection:
            return spent_since(connection, since, now)

    def attempts_to(self, number: str, since: datetime) -> int:
        """At least; the last of each dial was placed since then."""
        tried = select(func.coalesce(func.sum(DialRow.attempts), 0)).where(
            DialRow.to_number == number, DialRow.claimed_at >= since
        )
        with self._engine.connect() as connection:
            return connection.scalar(tried) or 0

    def pending(self) -> list[Dial]:
        """Those that are not over, in the order in which they are due."""
        wanted = select(*_COLUMNS).where(_OPEN).order_by(DialRow.due_at, DialRow.id).limit(_MOST)
        with self._engine.connect() as connection:
            return [Dial.of(row) for row in connection.execute(wanted)]

    def claim(self, now: datetime, gap: timedelta) -> Dial | None:
        """The one due the longest, for us to dial; None if there is none, or another call was
        placed less than `gap` ago by whomever.

        One statement: of two claimants who see the same row, the second finds it taken.
        """
        # What was wanted at once is due, too, when the clock has been put back since.
        is_due = (DialRow.due_at <= now) | (DialRow.due_at <= DialRow.asked_at)
        due = (
            select(DialRow.id)
            .where(DialRow.state == State.WAITING, is_due)
            .order_by(DialRow.due_at, DialRow.id)
            .limit(1)
        )
        with self._engine.connect() as connection:
            if connection.scalar(due) is None:
                return None  # and SQLite's one lock for writing is left to others
        which = (DialRow.id == due.scalar_subquery(), DialRow.state == State.WAITING)
        return self._claim(which, now, gap)

    def claim_held(self, dial_id: str, now: datetime, gap: timedelta) -> Dial | None:
        """The same for one that was added as `held`; None as long as it must wait."""
        mine = (*self._mine(dial_id), DialRow.claimed_at.is_(None))
        return self._claim(mine, now, gap)

    def is_mine(self, dial_id: str) -> bool:
        """It has neither been cancelled nor taken over."""
        with self._engine.connect() as connection:
            return connection.scalar(select(exists().where(*self._mine(dial_id)))) or False

    def placing(self, dial_id: str, call_id: str) -> bool:
        """From now on the callee's telephone may ring. False: it has been cancelled, do not call."""
        return self._change(*self._mine(dial_id), call_id=call_id)

    def finish(self, dial_id: str, result: Result) -> bool:
        """False when it was not ours any more: cancelled, or taken over."""
        return self._change(*self._mine(dial_id), state=State.DONE, **_outcome(result))

    def again(self, dial_id: str, due_at: datetime, result: Result) -> bool:
        """It waits for another attempt. False as for `finish`."""
        return self._change(
            *self._mine(dial_id),
            state=State.WAITING,
            due_at=due_at,
            call_id=None,
            claimed_by=None,
            **_outcome(result),
        )

    def cancel(self, dial_id: str) -> bool:
        """Whoever dials it hangs up within a second or two. False: it is over, or unknown."""
        return self._change(DialRow.id == dial_id, _OPEN, state=State.CANCELLED)

    def dialling(self) -> list[Dial]:
        """Those that somebody has claimed, or keeps for themselves."""
        wanted = select(*_COLUMNS).where(DialRow.state == State.DIALLING)
        with self._engine.connect() as connection:
            return [Dial.of(row) for row in connection.execute(wanted)]

    def take_over(self, dial: Dial, now: datetime) -> Dial | None:
        """Make it ours, whose claimant is dead. None: it is not as it was."""
        left = (
            DialRow.id == dial.id,
            DialRow.state == State.DIALLING,
            DialRow.claimed_at.is_not_distinct_from(dial.claimed_at),
        )
        ours = update(DialRow).where(*left).values(claimed_by=self._claimant, claimed_at=now)
        return next(iter(self._rows(ours)), None)

    def _claim(
        self, which: tuple[ColumnElement[bool], ...], now: datetime, gap: timedelta
    ) -> Dial | None:
        other = aliased(DialRow)
        # Diallers' clocks differ a little; one that was put back must not stop everybody.
        recent = exists().where(other.claimed_at > now - gap, other.claimed_at <= now + gap)
        rows = self._rows(
            update(DialRow)
            .where(*which, ~recent)
            .values(
                state=State.DIALLING,
                claimed_by=self._claimant,
                claimed_at=now,
                attempts=DialRow.attempts + 1,
                call_id=None,
            )
        )
        return rows[0] if rows else None

    def _rows(self, statement: Any) -> list[Dial]:
        with self._engine.begin() as connection:
            return [Dial.of(row) for row in connection.execute(statement.returning(*_COLUMNS))]

    def _mine(self, dial_id: str) -> tuple[ColumnElement[bool], ...]:
        return (
            DialRow.id == dial_id,
            DialRow.state == State.DIALLING,
            DialRow.claimed_by == self._claimant,
        )

    def _change(self, *which: ColumnElement[bool], **values: object) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(update(DialRow).where(*which).values(**values)).rowcount == 1


def _outcome(result: Result) -> dict[str, object]:
    return {"outcome": result.outcome, "sip_code": result.sip_code, "words": result.words}
