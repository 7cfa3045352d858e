"""The loop of the device's thread: cancel, admit, make a frame for all, hand it over."""

import logging
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from csm_engine.engine.line import Line, Made
from csm_engine.engine.ticket import Ticket
from csm_engine.model import SpeakError

logger = logging.getLogger(__name__)

PREFILLS = 4
"""Prompts read in a tick: those who speak wait for no more."""


Row = TypeVar("Row")


class Rows(Protocol[Row]):
    """What `Batch` is to this loop."""

    def begin(self, line: Line) -> Row: ...

    def end(self, row: Row) -> None: ...

    def step(self, rows: Sequence[Row]) -> list[Made | SpeakError]: ...


class Ticks(Generic[Row]):
    """`take` gives the next ticket that waits, or None. All methods belong to one thread."""

    def __init__(self, batch: Rows[Row], take: Callable[[], Ticket | None]) -> None:
        self._batch = batch
        self._take = take
        self._rows: dict[Ticket, Row] = {}

    def tick(self) -> bool:
        """False when there was nothing to do: something must change first."""
        self._drop_cancelled()
        admitted = self._admit()
        ready = [ticket for ticket in self._rows if not ticket.full]
        if ready:
            for ticket, outcome in zip(ready, self._step(ready), strict=True):
                self._hand_over(ticket, outcome)
        return bool(admitted or ready)

    def fail_all(self, why: str) -> None:
        for ticket in self._rows:
            ticket.close(SpeakError(why, retryable=True))

    def _drop_cancelled(self) -> None:
        for ticket in [ticket for ticket in self._rows if ticket.cancelled]:
            self._end(ticket)

    def _admit(self) -> int:
        """How many were taken on or refused."""
        taken = 0
        while taken < PREFILLS and (ticket := self._take()) is not None:
            if ticket.cancelled:
                continue
            taken += 1
            # Once more: what its client cancelled before it asked for this is not in its way.
            self._drop_cancelled()
            try:
                self._rows[ticket] = self._batch.begin(ticket.line)
            except SpeakError as error:
                ticket.close(error)
            except Exception:
                logger.exception("a sentence could not be begun")
                ticket.close(SpeakError("the engine failed", retryable=True))
        return taken

    def _step(self, ready: Sequence[Ticket]) -> list[Made | SpeakError]:
        try:
            return self._batch.step([self._rows[ticket] for ticket in ready])
        except Exception:
            # What they share broke, and none of their states can be trusted; others may go on.
            logger.exception("a step of %d rows failed", len(ready))
            return [SpeakError("the engine failed", retryable=True) for _ in ready]

    def _hand_over(self, ticket: Ticket, outcome: Made | SpeakError) -> None:
        if isinstance(outcome, SpeakError):
            self._end(ticket)
            ticket.close(outcome)
            return
        if outcome.sound:
            ticket.put(outcome.sound)
        if outcome.reason is not None:
            self._end(ticket)
            ticket.close()

    def _end(self, ticket: Ticket) -> None:
        self._batch.end(self._rows.pop(ticket))
