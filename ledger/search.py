"""Calls a page at a time, the newest first, in a time that does not grow with the ledger."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, and_, or_, select
from sqlalchemy.orm import Session

from ledger.calls import Wanted, find_calls, matching
from ledger.tables import CallRow

WINDOW = 8000
"""Calls whose words are looked through for one page. There is no index of words: it would keep
those of calls that were erased, would know no part of a word, and no language without spaces."""


@dataclass(frozen=True)
class Page:
    """`next` is the `Wanted.after` of what follows; None: nothing does. A page may hold fewer calls
    than asked for, or none, and something follows: `searched` is how far it looked back."""

    calls: Sequence[CallRow]
    next: tuple[datetime, str] | None
    searched: datetime | None = None


def find_page(engine: Engine, wanted: Wanted, limit: int, window: int = WINDOW) -> Page:
    if wanted.text is None:
        return _page(list(find_calls(engine, wanted, limit + 1)), limit)
    edge = _edge(engine, wanted, window)
    with Session(engine) as session:
        within = matching(wanted) if edge is None else (*matching(wanted), _not_before(*edge))
        found = select(CallRow).where(*within).order_by(CallRow.started_at.desc(), CallRow.id)
        rows = list(session.scalars(found.limit(limit + 1)))
        session.expunge_all()
    page = _page(rows, limit)
    return Page(page.calls, edge, edge[0]) if edge and page.next is None else page


def _page(rows: Sequence[CallRow], limit: int) -> Page:
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], (last.started_at, last.id) if last else None)


def _edge(engine: Engine, wanted: Wanted, window: int) -> tuple[datetime, str] | None:
    """The oldest call that is looked through; None: all are."""
    others = matching(dataclasses.replace(wanted, text=None))
    newest = select(CallRow.started_at, CallRow.id).where(*others)
    newest = newest.order_by(CallRow.started_at.desc(), CallRow.id)
    with engine.connect() as connection:
        row = connection.execute(newest.offset(window - 1).limit(1)).one_or_none()
    return None if row is None else (row.started_at, row.id)


def _not_before(at: datetime, call_id: str) -> ColumnElement[bool]:
    return and_(CallRow.started_at >= at, or_(CallRow.started_at > at, CallRow.id <= call_id))
