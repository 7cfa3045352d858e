"""Calls as an agent would write them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from ledger.tables import CallRow, TurnRow

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def call_values(call_id: str = "c1", **values: Any) -> dict[str, Any]:
    return {
        "id": call_id,
        "direction": "inbound",
        "persona": "clerk",
        "from_number": "+15550142424",
        "to_number": "+15550100",
        "room": f"call-{call_id}",
        "worker": "w1",
        "test": False,
        "state": "active",
        "started_at": START,
        "seen_at": START,
        "heard_seconds": 0.0,
        "spoken_seconds": 0.0,
        "usage": {},
    } | values


def turn_values(n: int = 0, call_id: str = "c1", **values: Any) -> dict[str, Any]:
    return {
        "call_id": call_id,
        "at": START + timedelta(seconds=n),
        "role": "user",
        "text": f"turn {n}",
        "interrupted": False,
        "latencies": {},
    } | values


def texts(engine: Engine, call_id: str = "c1") -> list[str]:
    with Session(engine) as session:
        wanted = select(TurnRow.text).where(TurnRow.call_id == call_id)
        return list(session.scalars(wanted.order_by(TurnRow.at, TurnRow.id)))


def call_row(engine: Engine, call_id: str = "c1") -> CallRow:
    with Session(engine) as session:
        row = session.get(CallRow, call_id)
        assert row is not None
        session.expunge(row)
        return row
