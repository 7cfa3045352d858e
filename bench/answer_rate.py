"""How soon calls are answered at a steady rate: `python -m bench.answer_rate`.

On a stack of its own with rehearsal models, everything on this machine. At each rate calls come for so
many seconds, plain SIP and RTP; each is held for some seconds, in which the agent greets. The first
rate at which one call is not answered, or the 95th percentile is above 1.5 s, is where it breaks.
"""

import argparse
import asyncio
import logging
import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.record import RESULTS, started, write
from sip.simulate.caller import CallFailedError
from sip.simulate.handset import handset
from sip.simulate.measure import Spread
from sip.simulate.stack import Stack as Line
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import Switchboard
from tests.stack import parley_up

NUMBER = "+15550100"
INTERVALS = (2.0, 1.5, 1.0, 0.75, 0.5, 0.35, 0.25)
"""Seconds between two INVITEs."""

TARGET = 1.5
"""Seconds, of the 95th percentile."""

ROOM = "200"
"""Calls that the worker may hold: that it is full is not what is measured."""


async def at_rate(line: Line, interval: float, seconds: float, held: float) -> dict[str, Any]:
    calls = max(20, round(seconds / interval))
    numbers = [f"+1555019{tail:04}" for tail in random.sample(range(10_000), calls)]
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number in numbers:
            tasks.append(group.create_task(_answered(line, number, held)))
            await asyncio.sleep(interval)
    times = [task.result() for task in tasks]
    known = [each for each in times if each is not None]
    spread = Spread.of(known)
    good = len(known) == calls and spread.p95 is not None and spread.p95 <= TARGET
    return {
        "interval_s": interval,
        "calls": calls,
        "answered": len(known),
        "answer_p50_s": spread.p50 and round(spread.p50, 3),
        "answer_p95_s": spread.p95 and round(spread.p95, 3),
        "good": good,
    }


async def _answered(line: Line, number: str, held: float) -> float | None:
    try:
        async with handset(line, to=NUMBER, from_=number) as phone:
            await asyncio.sleep(held)
            return phone.ring_to_answer
    except CallFailedError:
        return None


async def measure(seconds: float, held: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="parley-rate-") as folder:
        async with parley_up(Path(folder), AGENT_MAX_CALLS=ROOM) as stack:
            line = line_to(stack)
            async with Switchboard.open(stack, line) as board:
                for interval in INTERVALS:
                    await board.until_idle()
                    rows.append(await at_rate(line, interval, seconds, held))
                    print(rows[-1], flush=True)
                    if not rows[-1]["good"]:
                        break
    return rows


def page(rows: Sequence[Mapping[str, Any]], held: float) -> list[str]:
    broken = next((row for row in rows if not row["good"]), None)
    verdict = (
        f"It breaks at one call every {broken['interval_s']:g} s."
        if broken
        else f"It holds at one call every {rows[-1]['interval_s']:g} s, the fastest tried."
    )
    return [
        "# Answer rate",
        f"INVITE to answer, plain SIP callers on the same machine, calls of {held:g} s. {verdict}",
        "",
        "| a call every | calls | answered | p50 | p95 (≤ 1.5 s) |",
        "|---|---|---|---|---|",
        *(
            f"| {row['interval_s']:g} s | {row['calls']} | {row['answered']} | "
            f"{_shown(row['answer_p50_s'])} | {_shown(row['answer_p95_s'])} |"
            for row in rows
        ),
    ]


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60.0, help="at each rate")
    options.add_argument("--held", type=float, default=5.0, help="seconds that a call lasts")
    options.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = options.parse_args()
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    facts = started()
    rows = asyncio.run(measure(given.seconds, given.held))
    text, _ = write("answer_rate", facts, page(rows, given.held), {"rates": rows}, given.out)
    print(text)
    return 0 if rows[0]["good"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
