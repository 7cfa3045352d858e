"""What was said last in calls that go on, and how long the agent took to answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from ledger.redaction import redacted
from ledger.tables import TurnRow


@dataclass(frozen=True)
class Latest:
    """`latency` is of the last answer, in seconds from the caller's last sound to the agent's first."""

    role: str
    text: str
    at: datetime
    latency: float | None


def read_latest(engine: Engine, calls: Sequence[str], *, numbers: bool) -> Mapping[str, Latest]:
    """By id of the call; those in which nothing was said are left out."""
    if not calls:
        return {}
    # One worker numbers all of a call's turns, upwards.
    last = (
        select(func.max(TurnRow.id))
        .where(TurnRow.call_id.in_(calls))
        .group_by(TurnRow.call_id, TurnRow.role)
    )
    with Session(engine) as session:
        rows = session.scalars(select(TurnRow).where(TurnRow.id.in_(last)).order_by(TurnRow.id))
        found: dict[str, Latest] = {}
        for row in rows:
            before = found.get(row.call_id)
            took = row.latencies.get("e2e_latency")
            if not isinstance(took, float):
                took = before.latency if before else None
            found[row.call_id] = Latest(
                role=row.role,
                text=row.text if numbers else redacted(row.text),
                at=row.at,
                latency=took,
            )
    return found
