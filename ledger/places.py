"""Places on the line: who holds one, and who waits for one. Decided by one call at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Engine, update

from ledger.database import exclusively
from ledger.tables import CallRow

Place = Literal["held", "waiting", "none"]
"""`none`: the call is refused, over, or taken by somebody for whom there is always room."""

HELD: Place = "held"
WAITING: Place = "waiting"
NONE: Place = "none"

LOCK = 0x7061726D
"""Of PostgreSQL's advisory locks, the one that is held while a place is given."""


@contextmanager
def deciding(engine: Engine) -> Iterator[Connection]:
    """A transaction in which nobody else, in whatever process, gives a place."""
    with exclusively(engine, LOCK) as connection:
        yield connection


def put(connection: Connection, call_id: str, place: Place, now: datetime) -> None:
    """The call has that place, and is alive."""
    mine = update(CallRow).where(CallRow.id == call_id)
    connection.execute(mine.values(place=place, seen_at=now))
