"""What writing a call's record costs its talk: `python -m bench.record_writes [--ledger URL]`.

How late the event loop of a call comes to what is due every 5 ms, while nothing is written, while the
record is (far more of it than a talk has), and while somebody else holds the whole ledger.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import threading
from collections.abc import Iterator, Sequence

from sqlalchemy import text

from agent.call import Call, CallRequest
from agent.record import CallRecord, call_record
from bench import record
from ledger.database import open_ledger

EVERY = 0.005
"""Seconds between two looks at the clock."""
WRITES = 0.05
"""Seconds between two events and their change of the call's row: a talk writes one in four seconds."""
LIMIT = 0.020
"""Seconds late, at p99."""


async def lags(seconds: float, written: CallRecord | None) -> list[float]:
    """Seconds by which each look came late."""
    loop = asyncio.get_running_loop()
    begin = due = loop.time()
    found, due_write = list[float](), 0.0
    while due < begin + seconds:
        due += EVERY
        await asyncio.sleep(due - loop.time())
        found.append(max(0.0, loop.time() - due))
        if written and due - begin >= due_write:
            due_write += WRITES
            written.happened("turn", role="user", text="Can I come on Tuesday at half past nine?")
            written.note(summary=f"so far {due_write:.2f} s")
    return found


async def measure(url: str, seconds: float) -> dict[str, list[float]]:
    found = {"nothing is written": await lags(seconds, None)}
    call = Call(id="bench", started_at=0.0)
    writing = call_record(call, url, room="bench", key="bench", cost=lambda lasted, models: None)
    writing.asked(CallRequest(call_id="bench"))
    await writing.written(10.0)
    found["20 events a second are written"] = await lags(seconds, writing)
    with held(url):
        found["the same, while somebody else holds the ledger"] = await lags(seconds, writing)
    await writing.close()
    return found


@contextlib.contextmanager
def held(url: str) -> Iterator[None]:
    """Inside, nobody else can write."""
    taken, over = threading.Event(), threading.Event()

    def hold() -> None:
        engine = open_ledger(url)
        lock = "BEGIN EXCLUSIVE" if engine.dialect.name == "sqlite" else "LOCK TABLE calls, events"
        with engine.connect() as connection:
            connection.execute(text(lock))
            taken.set()
            over.wait()
            connection.rollback()
        engine.dispose()

    holding = threading.Thread(target=hold)
    holding.start()
    taken.wait()
    try:
        yield
    finally:
        over.set()
        holding.join()


def page(found: dict[str, list[float]], seconds: float) -> list[str]:
    return [
        "# Record writes",
        f"How late a call's event loop is, looked at every {1000 * EVERY:.0f} ms for {seconds:.0f} s each; "
        f"{1000 * LIMIT:.0f} ms are allowed at p99.",
        "",
        "| while | p50 | p99 | latest |",
        "|---|---|---|---|",
        *(f"| {name} | {' | '.join(_told(late))} |" for name, late in found.items()),
    ]


def _told(late: Sequence[float]) -> list[str]:
    cuts = statistics.quantiles(late, n=100)
    return [f"{1000 * each:.1f} ms" for each in (cuts[49], cuts[98], max(late))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each")
    parser.add_argument("--ledger", help="URL of an empty one; SQLite in a folder, if not given")
    asked = parser.parse_args()
    facts = record.started()
    with tempfile.TemporaryDirectory() as folder:
        url = asked.ledger or f"sqlite:///{folder}/ledger.db"
        open_ledger(url).dispose()
        found = asyncio.run(measure(url, asked.seconds))
    body = {"p99_s": {name: statistics.quantiles(late, n=100)[98] for name, late in found.items()}}
    told, _ = record.write("record_writes", facts, page(found, asked.seconds), body)
    print(told)
    return 1 if any(late > LIMIT for late in body["p99_s"].values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
