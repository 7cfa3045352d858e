"""Many short calls in a row: `python -m bench.soak --calls 500`. Says whether anything grows.

On a stack of its own (`parley up`), with rehearsal models. Nine calls of ten come alone, then a few
at once. Between two of them, when the stack is idle, its processes are looked at: resident memory,
descriptors, threads and processes; the rooms that LiveKit has; the rows of the ledger. 500 calls take
about 15 minutes.
"""

import argparse
import asyncio
import logging
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from bench import machine
from bench.record import RESULTS, started, write
from bench.soak_judge import Growth, judge
from ledger.database import open_ledger
from ledger.tables import CallRow
from sip.simulate.caller import CallFailedError
from sip.simulate.conversation import agent_begins
from sip.simulate.handset import handset
from sip.simulate.stack import Stack as Line
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import Switchboard
from tests.stack import Stack, parley_up

NUMBER = "+15550100"
EVERY = 10
"""Calls before each look: all but one come alone, then the last with others. Fewer in a short soak."""

WARM = 0.2
"""Share of the calls that come before the first look that counts: caches fill, heaps find their size."""


@dataclass
class Soak:
    stack: Stack
    line: Line
    board: Switchboard
    ledger: Engine
    at_once: int
    every: int
    made: int = 0
    failed: int = 0

    async def calls(self, wanted: int) -> list[dict[str, float]]:
        """Until so many were made in all; a look after every few."""
        samples = []
        while self.made < wanted:
            for _ in range(self.every - 1):
                await self._call()
            async with asyncio.TaskGroup() as group:
                for _ in range(self.at_once):
                    group.create_task(self._call())
            await self.board.until_idle()
            samples.append(await asyncio.to_thread(self._look))
            print(f"{self.made} calls, {self.failed} failed", flush=True)
        return samples

    async def _call(self) -> None:
        """Until the agent's first word."""
        self.made += 1
        from_ = f"+1555019{random.randrange(10_000):04}"
        try:
            async with handset(self.line, to=NUMBER, from_=from_) as phone:
                await agent_begins(phone, after=phone.dialled_at)
        except CallFailedError as error:
            self.failed += 1
            print(f"a call failed: {error}", flush=True)

    def _look(self) -> dict[str, float]:
        held: dict[str, float] = {"calls": self.made}
        for part, facts in self.stack.facts["parts"].items():
            held |= {f"{part} {kind}": size for kind, size in _held(facts["pid"]).items()}
        held |= {f"parley {kind}": size for kind, size in _own(self.stack.process.pid).items()}
        with self.ledger.connect() as connection:
            rows = connection.scalar(select(func.count()).select_from(CallRow)) or 0
        return held | {"rows missing": self.made - self.failed - rows}


def _held(pid: int) -> dict[str, float]:
    """Of a process and its children."""
    return _sum(machine.tree(pid))


def _own(pid: int) -> dict[str, float]:
    """Of the supervisor, whose children are parts."""
    return _sum(machine.tree(pid)[:1])


def _sum(processes: Sequence[Any]) -> dict[str, float]:
    held = {"MiB": 0.0, "descriptors": 0.0, "threads": 0.0}
    for process in processes:
        with machine.gone_is_nothing():
            with process.oneshot():
                held["MiB"] += process.memory_info().rss / 2**20
                held["threads"] += process.num_threads()
            held["descriptors"] += process.num_fds()
    return held | {"processes": float(len(processes))}


async def measure(calls: int, at_once: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="parley-soak-") as folder:
        async with parley_up(Path(folder)) as stack:
            line = line_to(stack)
            async with Switchboard.open(stack, line) as board:
                ledger = open_ledger(f"sqlite:///{stack.folder / 'ledger.db'}")
                try:
                    every = max(2, min(EVERY, calls // 5))
                    soak = Soak(stack, line, board, ledger, at_once, every)
                    await soak.calls(round(WARM * calls))
                    began, before = time.monotonic(), soak.made
                    samples = await soak.calls(calls)
                    each = (time.monotonic() - began) / max(1, soak.made - before)
                    left = sorted((await board.calls()).rooms)
                finally:
                    ledger.dispose()
    return {
        "calls": soak.made,
        "failed": soak.failed,
        "seconds_a_call": round(each, 2),
        "rooms_left": left,
        "growth": [asdict(growth) | {"flat": growth.flat} for growth in judge(samples)],
        "samples": samples,
    }


def page(found: Mapping[str, Any]) -> list[str]:
    grown = [Growth(**_without(each)) for each in found["growth"]]
    bad = [each for each in grown if not each.flat]
    flat = not bad and not found["failed"] and not found["rooms_left"]
    verdict = ("Flat" if flat else "Not flat") if grown else "Too few looks to say"
    return [
        "# Soak",
        f"{found['calls']} short calls, {found['failed']} failed, {found['seconds_a_call']} s each; "
        f"{len(found['rooms_left'])} rooms left. **{verdict}.**",
        "",
        "The slope is the median of those between all pairs of looks (Theil-Sen), over all calls.",
        "",
        "| | first | last | grown by the slope | allowed | |",
        "|---|---|---|---|---|---|",
        *(
            f"| {each.name} | {each.first:.0f} | {each.last:.0f} | {each.grown:+.1f} | "
            f"{each.allowed:.1f} | {'flat' if each.flat else '**grows**'} |"
            for each in grown
        ),
    ]


def _without(growth: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in growth.items() if name != "flat"}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=500)
    options.add_argument("--at-once", type=int, default=3)
    options.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = options.parse_args()
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    facts = started()
    found = asyncio.run(measure(given.calls, given.at_once))
    text, _ = write("soak", facts, page(found), found, given.out)
    print(text)
    return 0 if "**Flat.**" in text else 1


if __name__ == "__main__":
    raise SystemExit(main())
