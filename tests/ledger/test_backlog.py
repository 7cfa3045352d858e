"""What waits in the ledger, counted."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ledger.backlog import Backlog, read_backlog
from ledger.reaper import PATIENCE
from ledger.tables import CallRow, DeliveryRow, DialRow
from tests.ledger.rows import START, call_values

NOW = START + timedelta(minutes=10)


def dial(n: int, state: str, due: timedelta) -> DialRow:
    return DialRow(
        id=f"d{n}",
        to_number="+15550142424",
        from_number="+15550100",
        persona="clerk",
        vars={},
        asked_at=START,
        due_at=NOW + due,
        state=state,
        attempts=0,
    )


def delivery(n: int, state: str, due: timedelta) -> DeliveryRow:
    return DeliveryRow(
        id=f"w{n}",
        call_id="over",
        event="call.started",
        url=f"https://example.com/{n}",
        body="{}",
        created_at=START,
        due_at=NOW + due,
        state=state,
        attempts=0,
    )


def test_an_empty_ledger_has_no_backlog(engine: Engine) -> None:
    assert read_backlog(engine, NOW) == Backlog(0, 0, 0, 0.0, 0, 0.0, 0)


def test_what_goes_on_what_waits_and_what_is_late_is_counted(engine: Engine) -> None:
    early, late = timedelta(seconds=30), -timedelta(seconds=90)
    calls: dict[str, dict[str, Any]] = {
        "live": {"seen_at": NOW},
        "dead": {"seen_at": NOW - 2 * PATIENCE},
        "over": {"seen_at": NOW, "ended_at": NOW, "outcome": "answered"},
    }
    with Session(engine) as session, session.begin():
        session.add_all(CallRow(**call_values(name, **values)) for name, values in calls.items())
        session.flush()
        dials = ("waiting", early), ("waiting", late), ("dialling", late), ("done", late)
        session.add_all(dial(n, state, due) for n, (state, due) in enumerate(dials))
        told = ("waiting", early), ("given up", late), ("sent", late)
        session.add_all(delivery(n, state, due) for n, (state, due) in enumerate(told))
    assert read_backlog(engine, NOW) == Backlog(
        calls=1,
        dials_waiting=2,
        dials_placed=1,
        dials_late=90.0,
        deliveries_waiting=1,
        deliveries_late=0.0,
        deliveries_given_up=1,
    )
