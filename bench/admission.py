"""How long admission takes to decide: `python -m bench.admission [--rows 20000] [--ledger URL]`.

On a ledger of so many calls of today, with every bound set, each decision as a call's process makes
it: reading the file, one transaction in a thread of its own.
"""

import argparse
import asyncio
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Engine, delete, insert

from agent.admission.desk import Desk
from bench import record
from ledger.counts import Asked
from ledger.database import open_ledger
from ledger.tables import CallRow

ROWS = 20_000
LIVE = 20
DECISIONS = 300
LIMIT = 0.020
"""Seconds that a decision may take."""

POLICY = """
admission:
  max_calls: 40
  max_calls_of_persona: {receptionist: 30}
  when_full: {do: queue}
  calls_per_hour_of_caller: 50
  minutes_per_day: 1000000
  money_per_day: 1000000
  prices: {line_minute: 0.01, hearing_minute: 0.006}
  denied_callers: ["+1900"]
"""


def calls(rows: int, now: datetime, mark: str) -> Iterator[Mapping[str, Any]]:
    """Most are over; the last `LIVE` go on. A caller in fifty is the one who asks."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(rows):
        live = number >= rows - LIVE
        began = midnight + (now - midnight) * number / rows
        yield {
            "id": f"{mark}-{number}",
            "direction": "inbound",
            "persona": "receptionist",
            "from_number": f"+1202555{number % 50:04}",
            "to_number": "+12025550100",
            "room": f"call-{number}",
            "worker": "bench",
            "test": False,
            "state": "active" if live else "ended",
            "started_at": began,
            "answered_at": began,
            "seen_at": now + timedelta(hours=1) if live else began,
            "ended_at": None if live else began + timedelta(seconds=90),
            "outcome": None if live else "answered",
            "heard_seconds": 30.0,
            "spoken_seconds": 30.0,
            "usage": {},
            "line_seconds": None if live else 90.0,
            "cost": None if live else 0.05,
            "place": "held" if live else "none",
        }


async def decisions(file: Path, url: str, count: int, mark: str) -> list[float]:
    """Seconds that each took. A process decides once: each has a desk of its own, made ready before."""
    taken = []
    for number in range(count):
        with closing(Desk(file, SecretStr(url))) as desk:
            desk.open()
            now = datetime.now(UTC)
            asked = Asked(f"{mark}-me-{number}", now, "receptionist", "+12025550007")
            began = time.perf_counter()
            await desk.ask(desk.policy(), asked, now)
            taken.append(time.perf_counter() - began)
    return taken


def measure(url: str, rows: int, count: int) -> list[float]:
    engine: Engine = open_ledger(url)
    mark = f"bench-{secrets.token_hex(4)}"
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sip.yaml"
        file.write_text(POLICY)
        try:
            with engine.begin() as connection:
                connection.execute(insert(CallRow), list(calls(rows, now, mark)))
            return asyncio.run(decisions(file, url, count, mark))
        finally:
            with engine.begin() as connection:
                connection.execute(delete(CallRow).where(CallRow.id.startswith(mark)))
            engine.dispose()


def page(rows: int, taken: list[float]) -> list[str]:
    cuts = statistics.quantiles(taken, n=100)
    return [
        "# Admission",
        f"{len(taken)} decisions with {rows} calls of today in the ledger, {LIVE} of them on the line; "
        f"{1000 * LIMIT:.0f} ms are allowed.",
        "",
        "| p50 | p95 | p99 | longest |",
        "|---|---|---|---|",
        "| "
        + " | ".join(
            f"{1000 * each:.1f} ms" for each in (*(cuts[i] for i in (49, 94, 98)), max(taken))
        )
        + " |",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--decisions", type=int, default=DECISIONS)
    parser.add_argument("--ledger", help="URL of an empty one; SQLite in a folder, if not given")
    asked = parser.parse_args()
    facts = record.started()
    with tempfile.TemporaryDirectory() as folder:
        url = asked.ledger or f"sqlite:///{folder}/ledger.db"
        taken = measure(url, asked.rows, asked.decisions)
    kind = "postgresql" if url.startswith("postgres") else "sqlite"
    body = {"rows": asked.rows, "seconds": [round(each, 5) for each in taken]}
    text, _ = record.write(f"admission_{kind}", facts, page(asked.rows, taken), body)
    print(text)


if __name__ == "__main__":
    main()
