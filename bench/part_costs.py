"""What a call takes of each part: `python -m bench.part_costs --calls 3`. `bench.scale` counts with it.

On a stack of its own (`parley up`, rehearsal models), by plain SIP/RTP callers. Cores and memory (PSS) are
those while so many calls talk, less those of the idle stack, by call: neither set-up nor goodbye is in the
cores. Commands of redis are counted from before the calls until all is idle again, less those of an idle
stack; rows of the ledger by second of a call. Takes two minutes; writes bench/results/part_costs.md and .json.
"""

import argparse
import asyncio
import logging
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from bench import machine
from bench.record import RESULTS, started, write
from ledger.database import open_ledger
from ledger.tables import CallRow, EventRow, LegRow, ToolCallRow, TurnRow
from parley.load.busy import cores, cpu_seconds
from sip.simulate.conversation import Turn, agent_begins, converse
from sip.simulate.handset import handset
from sip.simulate.script import TurnScript
from sip.simulate.stack import Stack as Line
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import Switchboard
from tests.stack import Stack, parley_up

IDLE = 15.0
"""Seconds that the idle stack is looked at."""

TALK = (
    "what are your opening hours",
    "what is your address",
    "how much is a check up",
    "what is the weather in paris",
)
TABLES = (CallRow, LegRow, TurnRow, EventRow, ToolCallRow)


@dataclass(frozen=True)
class Look:
    """At one moment."""

    at: float
    cpu: Mapping[str, Mapping[int, float]]
    mib: Mapping[str, float]

    @classmethod
    def now(cls, pids: Mapping[str, int]) -> "Look":
        return cls(time.monotonic(), cpu_seconds(pids), machine.memory(pids))

    def cores_until(self, later: "Look") -> Mapping[str, float]:
        return cores(self.cpu, later.cpu, later.at - self.at)


async def commands(port: int) -> int:
    """That this redis has served, this one among them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"INFO stats\r\n")
    size = int((await reader.readline())[1:])
    told = (await reader.readexactly(size)).decode()
    writer.close()
    await writer.wait_closed()
    return int(told.partition("total_commands_processed:")[2].split()[0])


async def talking(
    line: Line, number: str, calls: int, pids: Mapping[str, int]
) -> tuple[Look, Look]:
    """So many calls at once: looks at the beginning and at the end of their talk."""
    turns = [await Turn.of(TurnScript(say=text)) for text in TALK]
    all_here, all_done, seen = (asyncio.Barrier(calls + 1) for _ in range(3))

    async def one(from_: str) -> None:
        async with handset(line, to=number, from_=from_) as phone:
            await agent_begins(phone, after=phone.dialled_at)
            await all_here.wait()
            await converse(phone, turns)
            await all_done.wait()
            await seen.wait()

    async with asyncio.TaskGroup() as group:
        for tail in random.sample(range(10_000), calls):
            group.create_task(one(f"+1555019{tail:04}"))
        await all_here.wait()
        first = Look.now(pids)
        await all_done.wait()
        last = Look.now(pids)
        await seen.wait()
    return first, last


async def measure(calls: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        async with parley_up(Path(folder), AGENT_IDLE_PROCESSES=str(calls)) as stack:
            return await _measure(stack, calls)


async def _measure(stack: Stack, calls: int) -> dict[str, Any]:
    line, facts = line_to(stack), stack.facts
    pids = {name: part["pid"] for name, part in facts["parts"].items()}
    redis = facts["parts"]["redis"]["port"]
    async with Switchboard.open(stack, line) as board:
        await asyncio.sleep(IDLE)  # processes that are kept warm are still being made
        idle, served = Look.now(pids), await commands(redis)
        await asyncio.sleep(IDLE)
        quiet, before = Look.now(pids), await commands(redis)
        began = time.monotonic()
        first, last = await talking(line, facts["number"], calls, pids)
        await board.until_idle()
        took, after = time.monotonic() - began, await commands(redis)
    beside, busy = idle.cores_until(quiet), first.cores_until(last)
    own = after - before - took * (before - served) / IDLE
    rows = await asyncio.to_thread(_rows, stack.folder / "ledger.db")
    return {
        "calls": calls,
        "seconds": round(last.at - first.at, 1),
        "parts": {
            name: {
                "cores": round((busy[name] - beside[name]) / calls, 4),
                "mib": round((last.mib[name] - quiet.mib[name]) / calls, 1),
                "idle_cores": round(beside[name], 4),
            }
            for name in pids
        },
        "redis_commands": round(own / calls),
        "redis_idle_commands_a_second": round((before - served) / IDLE, 1),
        "ledger_rows_a_second": round(rows / calls / took, 3),
    }


def _rows(file: Path) -> int:
    ledger = open_ledger(f"sqlite:///{file}")
    try:
        with ledger.connect() as connection:
            counts = (select(func.count()).select_from(table) for table in TABLES)
            return sum(connection.scalar(count) or 0 for count in counts)
    finally:
        ledger.dispose()


def page(found: Mapping[str, Any]) -> Sequence[str]:
    return [
        "# What a call takes of each part",
        f"{found['calls']} calls at once that talked for {found['seconds']} s, rehearsal models, all on this machine.",
        "",
        "| part | cores a call | MiB a call | cores, idle |",
        "|---|---|---|---|",
        *(
            f"| {name} | {part['cores']:.3f} | {part['mib']:.1f} | {part['idle_cores']:.3f} |"
            for name, part in found["parts"].items()
        ),
        "",
        f"A call takes {found['redis_commands']} commands of redis (an idle stack "
        f"{found['redis_idle_commands_a_second']} a second) and writes "
        f"{found['ledger_rows_a_second']} rows of the ledger a second.",
    ]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=3, help="at once")
    options.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = options.parse_args()
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    facts = started()
    found = asyncio.run(measure(given.calls))
    text, _ = write("part_costs", facts, page(found), found, given.out)
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
