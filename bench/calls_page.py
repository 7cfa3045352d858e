"""How fast the calls page answers over a full ledger: `python -m bench.calls_page [--calls N]`.

The ledger is made anew in a folder of its own (100,000 calls of ten turns take SQLite half a minute
and 400 MB), or in the empty database that `--ledger` names. Asked over HTTP, one at a time, as a
browser does; the worst case is an answer of its own: what is rare, at the end, or not there.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from livekit import api
from sqlalchemy import Engine

from bench import record
from bench.ledger_rows import DAYS, NEEDLE, fill
from ledger.database import open_ledger
from web.server.app import build_app
from web.server.desk import Desk
from web.server.keys import KeyFile, Scope
from web.server.run import open_listener, serve
from web.server.switchboard import LiveKitSwitchboard

BUDGET = 0.2
"""Seconds."""


@dataclass(frozen=True)
class Asked:
    name: str
    path: str


def questions(now: datetime) -> Sequence[Asked]:
    month = (now - timedelta(days=30)).date()
    old = (now - timedelta(days=DAYS - 1)).isoformat().replace("+00:00", "Z")
    return (
        Asked("the newest", "/v1/calls"),
        Asked("the oldest", f"/v1/calls?before={old}"),
        Asked("an outcome, rare", "/v1/calls?outcome=failed"),
        Asked("an outcome, common", "/v1/calls?outcome=answered"),
        Asked("an outcome that none has", "/v1/calls?outcome=machine"),
        Asked("a state that none has", "/v1/calls?state=active"),
        Asked("a persona and test", "/v1/calls?persona=clerk&test=true"),
        Asked("a direction", "/v1/calls?direction=outbound"),
        Asked("a number", "/v1/calls?number=%2B15550100042"),
        Asked("a word, common", "/v1/calls?text=invoice"),
        Asked("a word that nobody says", "/v1/calls?text=quixotic"),
        Asked("the end of a number", "/v1/calls?text=100042"),
        Asked("one call", "/v1/calls/c00000001"),
        Asked("the overview, 2 weeks", "/v1/overview"),
        Asked("the overview, 30 days", f"/v1/overview?from={month}"),
    )


@contextlib.asynccontextmanager
async def asking(engine: Engine, folder: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a server of this process."""
    keys = KeyFile(folder / "keys.json")
    _, sent = keys.new("bench", frozenset({Scope.ADMIN}), datetime.now(UTC))
    livekit = api.LiveKitAPI("http://127.0.0.1:1", "key", "secret-that-nobody-looks-at-here")
    desk = Desk(
        engine=engine,
        switchboard=LiveKitSwitchboard(livekit),
        keys=keys,
        line=lambda: None,
        personas=folder,
        recordings=folder,
        environment={},
    )
    listener = open_listener("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = asyncio.create_task(serve(build_app(desk), listener))
    headers = {"Authorization": f"Bearer {sent}"}
    try:
        async with livekit, aiohttp.ClientSession(url, headers=headers) as http:
            yield http
    finally:
        server.cancel()
        await asyncio.wait({server})


async def _seconds(http: aiohttp.ClientSession, path: str) -> float:
    began = time.perf_counter()
    async with http.get(path) as answer:
        answer.raise_for_status()
        await answer.read()
    return time.perf_counter() - began


async def measure(
    http: aiohttp.ClientSession, asked: Sequence[Asked], times: int
) -> dict[str, list[float]]:
    """Seconds; the first time, when nothing is in any cache of ours, is among them."""
    took: dict[str, list[float]] = {}
    for each in asked:
        took[each.name] = []
        for _ in range(times):
            took[each.name].append(await _seconds(http, each.path))
            await asyncio.sleep(0.06)  # a key may ask twenty times a second
    return took


async def search_to_the_end(http: aiohttp.ClientSession) -> tuple[int, float]:
    """Requests and seconds until a word of the oldest call alone is found, as the page looks on."""
    began, cursor, requests = time.perf_counter(), "", 0
    while True:
        async with http.get(f"/v1/calls?text={NEEDLE}{cursor}") as answer:
            answer.raise_for_status()
            page = await answer.json()
        requests += 1
        if page["calls"]:
            return requests, time.perf_counter() - began
        cursor = f"&cursor={page['next']}"
        await asyncio.sleep(0.05)


async def run(engine: Engine, folder: Path, now: datetime, times: int) -> dict[str, Any]:
    async with asking(engine, folder) as http:
        took = await measure(http, questions(now), times)
        requests, seconds = await search_to_the_end(http)
    return {
        "took": {
            name: {
                "first": round(values[0], 4),
                "p50": round(statistics.median(values), 4),
                "max": round(max(values), 4),
            }
            for name, values in took.items()
        },
        "search to the oldest call": {"requests": requests, "seconds": round(seconds, 2)},
    }


def page(found: dict[str, Any], calls: int, database: str) -> list[str]:
    worst = max(each["max"] for name, each in found["took"].items() if "overview" not in name)
    search = found["search to the oldest call"]
    return [
        "# The calls page over a full ledger",
        f"{calls:,} calls of ten turns in {database}, over HTTP, one request at a time. Milliseconds.",
        "",
        "| what is asked | first | p50 | greatest |",
        "|---|---|---|---|",
        *(
            f"| {name} | {each['first'] * 1000:.0f} | {each['p50'] * 1000:.0f} "
            f"| {each['max'] * 1000:.0f} |"
            for name, each in found["took"].items()
        ),
        "",
        f"Budget of the calls page: {BUDGET * 1000:.0f} ms; the greatest was {worst * 1000:.0f} ms. A "
        f"word that only the oldest call has is found after {search['requests']} requests, "
        f"{search['seconds']} s, each of which shows how far it has looked.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--ledger", help="URL of an empty one; SQLite in a new folder, if unset")
    parser.add_argument("--results", type=Path, default=record.RESULTS)
    given = parser.parse_args()
    facts, now = record.started(), datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as name:
        folder = Path(name)
        engine = open_ledger(given.ledger or f"sqlite:///{folder}/ledger.db")
        fill(engine, given.calls, now)
        found = asyncio.run(run(engine, folder, now, given.times))
        database = "PostgreSQL" if engine.dialect.name == "postgresql" else "SQLite"
        engine.dispose()
    text, _ = record.write(
        "calls_page", facts, page(found, given.calls, database), found, given.results
    )
    print(text)


if __name__ == "__main__":
    main()
