"""Reads calls: those that match, and all that is known of one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, literal, or_, select
from sqlalchemy.orm import Session

from ledger.redaction import SHOWN, masked, redacted, redacted_deep
from ledger.tables import Base, CallRow, EventRow, LegRow, ToolCallRow, TurnRow

CHUNK = 200
"""Calls that are in memory at once."""

EXACT = ("persona", "outcome", "state", "direction", "test")
"""Of `Wanted`: columns that must have that value."""

PUNCTUATION = re.compile(r"[\s().+-]")
"""Of a telephone number."""

Part = LegRow | EventRow | TurnRow | ToolCallRow

PARTS: tuple[tuple[str, type[Part]], ...] = (
    ("legs", LegRow),
    ("events", EventRow),
    ("turns", TurnRow),
    ("tool_calls", ToolCallRow),
)


@dataclass(frozen=True)
class Wanted:
    """Which calls; what is None does not matter. `since` is when they started, at the earliest."""

    since: datetime | None = None
    before: datetime | None = None
    persona: str | None = None
    outcome: str | None = None
    number: str | None = None
    """Either end's, E.164."""
    state: str | None = None
    direction: str | None = None
    test: bool | None = None
    text: str | None = None
    """Somebody said it; of digits alone, a number may end so, too. `ledger.search` is quicker."""
    after: tuple[datetime, str] | None = None
    """Start and id of a call: those that `find_calls` yields after it."""


def find_calls(engine: Engine, wanted: Wanted, limit: int | None = None) -> Iterator[CallRow]:
    """The newest first."""
    with Session(engine) as session:
        newest = select(CallRow).where(*matching(wanted)).limit(limit)
        newest = newest.order_by(CallRow.started_at.desc(), CallRow.id)
        yield from session.scalars(newest.execution_options(yield_per=CHUNK))


def read_call(engine: Engine, call_id: str, *, numbers: bool = False) -> dict[str, Any] | None:
    """As JSON: its columns, legs, events, turns and tool calls; None if there is no such call.

    Without `numbers`, those of telephones and cards are taken out.
    """
    with Session(engine) as session:
        call = session.get(CallRow, call_id)
        return None if call is None else _whole(session, call, numbers=numbers)


def read_row(engine: Engine, call_id: str) -> CallRow | None:
    """Its own row alone, with nothing masked."""
    with Session(engine, expire_on_commit=False) as session:
        return session.get(CallRow, call_id)


def read_calls(
    engine: Engine, wanted: Wanted, *, numbers: bool = False
) -> Iterator[dict[str, Any]]:
    """As `read_call`, the oldest first, a few in memory at a time."""
    with Session(engine) as session:
        oldest = select(CallRow).where(*matching(wanted)).order_by(CallRow.started_at, CallRow.id)
        for call in session.scalars(oldest.execution_options(yield_per=CHUNK)):
            yield _whole(session, call, numbers=numbers)


def to_json(row: Base, *, numbers: bool = False) -> dict[str, Any]:
    """A row's columns. Moments are ISO 8601; ids that only the database knows are left out."""
    columns = row.__table__.columns.keys()
    own = ("id", "call_id") if not isinstance(row, CallRow) else ()
    return {name: _shown(name, getattr(row, name), numbers) for name in columns if name not in own}


def _shown(name: str, value: Any, numbers: bool) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if numbers or name == "id":
        return value
    if name in {"number", "from_number", "to_number"}:
        return masked(value)
    return redacted(value) if isinstance(value, str) else redacted_deep(value)


def matching(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    """Of `CallRow`: all that must be so."""
    if wanted.since:
        yield CallRow.started_at >= wanted.since
    if wanted.before:
        yield CallRow.started_at < wanted.before
    for name in EXACT:
        if (value := getattr(wanted, name)) is not None:
            yield CallRow.__table__.columns[name] == value
    if wanted.number:
        yield or_(CallRow.from_number == wanted.number, CallRow.to_number == wanted.number)
    if wanted.text:
        yield _holds(wanted.text)
    if wanted.after:
        at, id_ = wanted.after
        # Said so that an index on the start alone leads to the place.
        yield and_(CallRow.started_at <= at, or_(CallRow.started_at < at, CallRow.id > id_))


def digits_of(text: str) -> str | None:
    """Those of the end of a number, if `text` is nothing else."""
    bare = PUNCTUATION.sub("", text)
    return bare if len(bare) >= SHOWN and bare.isdecimal() else None


def _holds(text: str) -> ColumnElement[bool]:
    # A database may know the two cases of ASCII's letters alone.
    forms = {text} if text.isascii() else {text, text.lower(), text.upper(), text.capitalize()}
    said = or_(*(TurnRow.text.icontains(form, autoescape=True) for form in sorted(forms)))
    # A scalar, for PostgreSQL would make a join of EXISTS, and read every turn there is.
    turn = select(literal(1)).where(TurnRow.call_id == CallRow.id, said).limit(1)
    found = turn.scalar_subquery() == 1
    if not (digits := digits_of(text)):
        return found
    ends = (number.endswith(digits) for number in (CallRow.from_number, CallRow.to_number))
    return or_(*ends, found)


def _whole(session: Session, call: CallRow, *, numbers: bool) -> dict[str, Any]:
    parts = {
        name: [to_json(row, numbers=numbers) for row in _of(session, table, call.id)]
        for name, table in PARTS
    }
    return to_json(call, numbers=numbers) | parts


def _of(session: Session, table: type[Part], call_id: str) -> Sequence[Base]:
    at = LegRow.joined_at if table is LegRow else table.__table__.columns["at"]
    wanted = select(table).where(table.call_id == call_id).order_by(at, table.id)
    return session.scalars(wanted).all()
