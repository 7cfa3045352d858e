"""One thread that writes what happens, so that nobody who talks waits for a database."""

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from sqlalchemy import Connection, Engine, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
    SQLAlchemyError,
    StatementError,
)

from ledger.database import LedgerError
from ledger.tables import Base, CallRow
from ledger.values import fitting

logger = logging.getLogger(__name__)

BOUND = 2000
"""Records kept while the database is away; further ones are lost, and counted."""

AT_ONCE = 100
"""Records in one transaction."""

RETRY_SECONDS = (0.1, 0.5, 2.0)
"""Before each try after a failed one; the last one again and again."""


@dataclass(frozen=True)
class _Record:
    """A row to add, or, with `changes`, what becomes of the one whose id is among the values."""

    table: type[Base]
    values: Mapping[str, Any]
    changes: bool = False


class Writer:
    """`add`, `change` and `call` return at once, from any thread. `open_` is called in the writer's.

    What the database refuses for good is lost alone; while it is away all is kept and tried again,
    up to `bound`. No row is written twice, even where it is unknown whether a try succeeded.
    """

    def __init__(self, open_: Callable[[], Engine], bound: int = BOUND) -> None:
        self.lost = 0
        self._open = open_
        self._bound = bound
        self._engine: Engine | None = None
        self._records: deque[_Record] = deque()
        self._calls: dict[str, dict[str, Any]] = {}
        self._in_hand: dict[str, dict[str, Any]] = {}
        self._ids = count(secrets.randbits(62))
        self._changed = threading.Condition()
        self._closes_at: float | None = None
        self._failures = 0
        self._step = AT_ONCE
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def add(self, table: type[Base], **values: Any) -> int:
        """A new row; returns the id it has unless `values` holds one."""
        key = next(self._ids)
        self._take(_Record(table, {"id": key} | values))
        return key

    def change(self, table: type[Base], key: int, **values: Any) -> None:
        self._take(_Record(table, {"id": key} | values, changes=True))

    def call(self, call_id: str, **values: Any) -> None:
        """What is so of a call now. Only the last value of each column is kept: none gets lost."""
        with self._changed:
            self._calls.setdefault(call_id, {}).update(values)
            self._changed.notify_all()

    @property
    def pending(self) -> int:
        with self._changed:
            return len(self._records) + len(self._calls | self._in_hand)

    def settle(self, timeout: float) -> bool:
        """Wait until everything is written; False if it is not by then. Seconds."""
        with self._changed:
            return self._changed.wait_for(self._is_settled, timeout)

    def close(self, timeout: float) -> None:
        """Write what is left, in so many seconds at most; the rest is lost, and said in the log."""
        with self._changed:
            self._closes_at = time.monotonic() + timeout
            self._changed.notify_all()
        self._thread.join(timeout)
        if lost := self.lost + self.pending:
            logger.error("the ledger lacks records of a call", extra={"lost": lost})

    def _take(self, record: _Record) -> None:
        with self._changed:
            if len(self._records) < self._bound:
                self._records.append(record)
                self._changed.notify_all()
                return
            self.lost += 1
            first = self.lost == 1
        if first:
            logger.error(
                "the ledger's queue is full: records are lost", extra={"kept": self._bound}
            )

    def _is_settled(self) -> bool:
        return not (self._records or self._calls or self._in_hand)

    def _run(self) -> None:
        while self._wait():
            records = self._take_in_hand()
            try:
                self._write(records)
            except (SQLAlchemyError, LedgerError, OSError) as error:
                self._failed(error, len(records))
            except Exception as error:  # noqa: BLE001  # a record that nobody can write
                self._drop(error, len(records))
            else:
                self._succeeded(len(records))
        if self._engine is not None:
            self._engine.dispose()

    def _take_in_hand(self) -> list[_Record]:
        """Of the queue, what is written next; it stays there until it is."""
        with self._changed:
            records = list(islice(self._records, self._step))
            if self._step > 1 or not records:
                self._in_hand, self._calls = self._calls, {}
            return records

    def _wait(self) -> bool:
        """Until there is something to write and it is time to; False when nothing will be any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closes_at is not None or not self._is_settled())
            if self._failures:
                seconds = RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS)) - 1]
                self._changed.wait_for(lambda: self._closes_at is not None, seconds)
            if self._closes_at is None:
                return True
            if self._failures:
                self._changed.wait(RETRY_SECONDS[0])
            return not self._is_settled() and time.monotonic() < self._closes_at

    def _write(self, records: list[_Record]) -> None:
        if self._engine is None:
            self._engine = self._open()
        with self._engine.begin() as connection:
            for record in records:
                _execute(connection, record)
            for call_id, values in self._in_hand.items():
                _execute(connection, _Record(CallRow, {"id": call_id} | values, changes=True))

    def _succeeded(self, written: int) -> None:
        if self._failures:
            logger.info("the ledger is written again", extra={"tries": self._failures})
        self._failures = 0
        self._step = AT_ONCE
        with self._changed:
            self._in_hand = {}
            for _ in range(written):
                self._records.popleft()
            self._changed.notify_all()

    def _failed(self, error: Exception, tried: int) -> None:
        if _refuses_for_good(error):
            self._drop(error, tried)
            return
        self._put_back()
        self._failures += 1
        if self._failures == 1:
            logger.warning(
                "the ledger cannot be written now: what happens is kept and tried again",
                extra={"reason": _reason(error)},
            )

    def _drop(self, error: Exception, tried: int) -> None:
        """Of several, it is not known which: each is tried alone."""
        if self._step > 1 and tried + len(self._in_hand) > 1:
            self._step = 1
            self._put_back()
            return
        with self._changed:
            if tried:
                self._records.popleft()
            self._in_hand = {}
            self.lost += 1
            self._changed.notify_all()
        logger.error("the ledger refused a record", extra={"reason": _reason(error)})

    def _put_back(self) -> None:
        with self._changed:
            for call_id, values in self._in_hand.items():
                self._calls[call_id] = values | self._calls.get(call_id, {})
            self._in_hand = {}


def _execute(connection: Connection, record: _Record) -> None:
    table, values = record.table, fitting(record.table, record.values)
    if record.changes:
        key = table.__table__.columns["id"]
        connection.execute(update(table).where(key == values.pop("id")).values(values))
    elif connection.dialect.name == "sqlite":
        connection.execute(sqlite.insert(table).values(values).on_conflict_do_nothing())
    else:
        connection.execute(postgresql.insert(table).values(values).on_conflict_do_nothing())


def _refuses_for_good(error: Exception) -> bool:
    """The same record would fail again. A column that is unknown, too: no other try will know it."""
    if isinstance(error, DBAPIError):
        return isinstance(error, DataError | IntegrityError | ProgrammingError)
    return isinstance(error, StatementError)


def _reason(error: Exception) -> str:
    """Without the words of the record, which drivers like to quote."""
    if isinstance(error, LedgerError):
        return str(error)
    return type(getattr(error, "orig", None) or error).__name__
