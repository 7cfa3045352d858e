"""Live events: what the ledger is told of calls, told on to whoever listens.

Workers write the ledger from processes of their own, so it is looked at; while nobody listens,
it is not.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Engine, and_, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ledger.reaper import PATIENCE
from ledger.tables import CallRow, TurnRow

logger = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two looks into the ledger."""

BOUND = 256
"""Events kept for a listener who does not take them; with one more the stream ends."""

LISTENERS = 32

RECENT = timedelta(seconds=60)
"""A call that ended so long ago and was never seen is told of: it began and ended between looks."""

Kind = Literal["ready", "call.started", "turn", "call.ended", "closed"]
"""`ready` comes first: nothing that is written after it is missed. `closed` is the last."""


def goes_on(now: datetime) -> ColumnElement[bool]:
    """Of calls: those that have not ended, and whose worker lives."""
    return and_(CallRow.ended_at.is_(None), CallRow.seen_at > now - PATIENCE)


@dataclass(frozen=True)
class Event:
    kind: Kind
    call_id: str | None = None
    row: CallRow | TurnRow | None = None


@dataclass
class Watch:
    """Tells one look from the next. `look` blocks."""

    _live: dict[str, bool] = field(default_factory=dict)
    """Calls known, and whether each goes on."""
    _told: dict[str, int] = field(default_factory=dict)
    """The highest id of a turn told: one worker numbers all of a call's, upwards."""

    def look(self, engine: Engine, now: datetime) -> list[Event]:
        """What is new since the last look; to the first, all is."""
        there = or_(goes_on(now), CallRow.ended_at > now - RECENT)
        with Session(engine) as session:
            rows = {row.id: row for row in session.scalars(select(CallRow).where(there))}
            gone = [id_ for id_, live in self._live.items() if live and id_ not in rows]
            lost = select(CallRow).where(CallRow.id.in_(gone))
            ended = {row.id: row for row in session.scalars(lost)} if gone else {}
            started = [
                Event("call.started", id_, row)
                for id_, row in rows.items()
                if id_ not in self._live
            ]
            turns = self._turns(session, [*rows, *ended])
            over = [row for row in (rows | ended).values() if self._is_over(row, ended)]
            session.expunge_all()
        self._live = {id_: row.ended_at is None for id_, row in rows.items()}
        self._told = {id_: told for id_, told in self._told.items() if id_ in rows}
        return [*started, *turns, *(Event("call.ended", row.id, row) for row in over)]

    def _is_over(self, row: CallRow, ended: dict[str, CallRow]) -> bool:
        return self._live.get(row.id, True) and (row.ended_at is not None or row.id in ended)

    def _turns(self, session: Session, calls: list[str]) -> list[Event]:
        if not calls:
            return []
        new = [and_(TurnRow.call_id == id_, TurnRow.id > self._told.get(id_, -1)) for id_ in calls]
        found = session.scalars(select(TurnRow).where(or_(*new)).order_by(TurnRow.id)).all()
        for turn in found:
            self._told[turn.call_id] = turn.id
        return [Event("turn", turn.call_id, turn) for turn in found]


class Listener:
    """One client's events, in order."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(BOUND + 1)
        self._is_ready = False

    def ready(self) -> None:
        if not self._is_ready:
            self._is_ready = self.tell(Event("ready"))

    def tell(self, event: Event) -> bool:
        """False: it does not keep up, and hears nothing any more."""
        if self._events.qsize() < BOUND:
            self._events.put_nowait(event)
            return True
        self._events.put_nowait(None)
        return False

    async def next(self) -> Event | None:
        """None: it has not kept up."""
        return await self._events.get()


class Feed:
    """`run` looks while somebody listens."""

    def __init__(self, engine: Engine, now: Callable[[], datetime], every: float) -> None:
        self._engine = engine
        self._now = now
        self._every = every
        self._listeners: set[Listener] = set()
        self._wanted = asyncio.Event()
        self._closed = False

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    @property
    def has_room(self) -> bool:
        return not self._closed and self.listeners < LISTENERS

    def close(self) -> None:
        """The server stops, and would wait for those who listen."""
        self._closed = True
        self._tell([Event("closed")])

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        listener = Listener()
        self._listeners.add(listener)
        self._wanted.set()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def run(self) -> None:
        """Until cancelled. A ledger that is away is looked at again."""
        while True:
            await self._wanted.wait()
            watch, first = Watch(), True
            while self._listeners:
                try:
                    events = await asyncio.to_thread(watch.look, self._engine, self._now())
                except SQLAlchemyError as error:
                    logger.warning("the ledger is away", extra={"why": type(error).__name__})
                else:
                    self._tell([] if first else events)
                    first = False
                await asyncio.sleep(self._every)
            self._wanted.clear()

    def _tell(self, events: list[Event]) -> None:
        for listener in self._listeners:
            listener.ready()
        for event in events:
            self._listeners = {each for each in self._listeners if each.tell(event)}
