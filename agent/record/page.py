"""The rows of one call, as a sink takes them."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from ledger.tables import Base, CallRow, EventRow


class Sink(Protocol):
    """What `ledger.writer.Writer` does; none but `settle` and `close` may wait."""

    def add(self, table: type[Base], **values: Any) -> int: ...
    def change(self, table: type[Base], key: int, **values: Any) -> None: ...
    def call(self, call_id: str, **values: Any) -> None: ...
    def settle(self, timeout: float) -> bool: ...
    def close(self, timeout: float) -> None: ...


def steady_time() -> float:
    """Seconds, for what lasts."""
    return asyncio.get_running_loop().time()


class Page:
    """Until the call has its own row, and without a sink, nothing is written."""

    def __init__(self, sink: Sink | None, clock: Callable[[], datetime]) -> None:
        self.now = clock
        self._sink = sink
        self._id: str | None = None

    def open(self, call_id: str, **columns: Any) -> None:
        """The call's own row, whose other columns `put` may change."""
        if self._sink:
            self._id = call_id
            self._sink.add(CallRow, id=call_id, **columns)

    @property
    def is_open(self) -> bool:
        return self._id is not None

    def put(self, **columns: Any) -> None:
        if self._sink and self._id:
            self._sink.call(self._id, **columns)

    def add(self, table: type[Base], **values: Any) -> int | None:
        """A row of the call's; its key, for `change`."""
        if self._sink and self._id:
            return self._sink.add(table, call_id=self._id, **values)
        return None

    def change(self, table: type[Base], key: int, **values: Any) -> None:
        if self._sink:
            self._sink.change(table, key, **values)

    def happened(self, event: str, **details: Any) -> None:
        self.add(EventRow, at=self.now(), kind=event, details=details)

    def settle(self, timeout: float) -> None:
        """Blocks until all is written so far, so many seconds at most."""
        if self._sink:
            self._sink.settle(timeout)

    def close(self, timeout: float) -> None:
        """Blocks until all is written, so many seconds at most."""
        if self._sink:
            self._sink.close(timeout)
