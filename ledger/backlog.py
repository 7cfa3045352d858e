"""How much waits in the ledger: calls that go on, calls to be placed, web servers to be told."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, Select, func, select

from ledger.reaper import PATIENCE
from ledger.spool import GIVEN_UP, WAITING
from ledger.tables import CallRow, DeliveryRow, DialRow


@dataclass(frozen=True)
class Backlog:
    """Counts, and how late the oldest of what is due is, in seconds."""

    calls: int
    dials_waiting: int
    dials_placed: int
    dials_late: float
    deliveries_waiting: int
    deliveries_late: float
    deliveries_given_up: int


def read_backlog(engine: Engine, now: datetime) -> Backlog:
    """By indexes alone, whatever the ledger holds. A call whose worker is dead does not go on."""
    alive = CallRow.ended_at.is_(None) & (CallRow.seen_at > now - PATIENCE)
    dials = DialRow.state == "waiting"
    deliveries = DeliveryRow.state == WAITING
    with engine.connect() as connection:

        def count(of: ColumnElement[bool]) -> int:
            return connection.execute(select(func.count()).where(of)).scalar_one()

        def late(oldest: Select[datetime]) -> float:
            due = connection.execute(oldest).scalar()
            return 0.0 if due is None else max(0.0, (now - due).total_seconds())

        return Backlog(
            calls=count(alive),
            dials_waiting=count(dials),
            dials_placed=count(DialRow.state == "dialling"),
            dials_late=late(select(func.min(DialRow.due_at)).where(dials)),
            deliveries_waiting=count(deliveries),
            deliveries_late=late(select(func.min(DeliveryRow.due_at)).where(deliveries)),
            deliveries_given_up=count(DeliveryRow.state == GIVEN_UP),
        )
