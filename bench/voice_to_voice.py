"""Voice to voice over SIP: `uv run python -m bench.voice_to_voice`, with Parley running (`make run`) and nothing else.

Plays written turns by the bridge's own caller and by an independent telephone, one call at a time, three at once and
three that say the same at once; measures at the caller; writes bench/results/voice_to_voice.json and .md.

With `--costs FILE` (bench/costs/h200.json) it starts a stack of its own instead, whose rehearsal models take what that
file says of a GPU, and writes voice_to_voice_costs.json and .md: the whole turn, but for a GPU's queues.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.yaml_file import BadFileError
from bench import machine
from bench.gpu_costs import Costs, read_costs
from bench.results_table import markdown
from bench.waterfall import Heard, Steps, log_lines, median_turn, steps_of
from parley.settings import Settings, full_environment
from parley.simulate import running_stack
from sip.simulate.caller import Dial, call
from sip.simulate.measure import Spread
from sip.simulate.path import path_times
from sip.simulate.phone import phone_call
from sip.simulate.run import Called, simulate
from sip.simulate.script import TurnScript
from sip.simulate.stack import Stack
from tests.e2e.conftest import line_to
from tests.stack import parley_up

RESULTS = Path(__file__).parent / "results"

CALLS: tuple[tuple[TurnScript, ...], ...] = (
    (
        TurnScript(say="what are your opening hours"),
        TurnScript(say="what is your address"),
        TurnScript(say="how much is a check up"),
    ),
    (
        TurnScript(say="what is the weather in paris"),
        TurnScript(say="tell me a story"),
        TurnScript(say="what is your address", barge_in=4.0),
    ),
    (
        TurnScript(say="tell me a story"),
        TurnScript(say="when are you open", barge_in=5.0),
        TurnScript(say="great thank you very much"),
    ),
    (
        TurnScript(say="can i see the dentist"),
        TurnScript(say="on tuesday please"),
        TurnScript(say="at half past nine please"),
    ),
)
AT_ONCE = 3


@dataclass(frozen=True)
class Bench:
    """What is measured, and what of it the machine tells."""

    stack: Stack
    number: str
    pids: dict[str, int]
    log: Path
    rounds: int

    async def one_by_one(self, dial: Dial) -> dict[str, Any]:
        """Every call of CALLS, `rounds` times, then the path: one row of the table."""
        called = [
            each
            for _ in range(self.rounds)
            for turns in CALLS
            for each in await simulate(self.stack, to=self.number, turns=turns, dial=dial)
        ]
        path = await path_times(self.stack, dial=dial)
        return self._row(called, path)

    async def at_once(self, dial: Dial) -> dict[str, Any]:
        """Three callers who dial at the same time, each with a talk of their own."""
        called = []
        for first in range(self.rounds):
            talks = [CALLS[(first + caller) % len(CALLS)] for caller in range(AT_ONCE)]
            done = await asyncio.gather(
                *(simulate(self.stack, to=self.number, turns=talk, dial=dial) for talk in talks)
            )
            called += [each for one in done for each in one]
        return self._row(called, [])

    async def in_chorus(self, dial: Dial) -> dict[str, Any]:
        """Three callers who say the same at the same time: the most that three can ask of two cores."""
        called = [
            each
            for turns in CALLS[: self.rounds]
            for each in await simulate(
                self.stack, to=self.number, turns=turns, calls=AT_ONCE, dial=dial
            )
        ]
        return self._row(called, [])

    def _row(self, called: Sequence[Called], path: Sequence[float]) -> dict[str, Any]:
        reports = [each.report for each in called]
        turns = [turn for report in reports for turn in report.turns]
        gaps = [report.gaps_over_60ms for report in reports if report.gaps_over_60ms is not None]
        steps = steps_of(_heard(called), log_lines(self.log))
        return {
            "calls": len(reports),
            "turns": len(turns),
            "problems": [problem for report in reports for problem in report.problems],
            "reply_s": _spread([turn.reply_s for turn in turns]),
            "path_s": _spread(path),
            "ring_to_answer_s": _spread([report.ring_to_answer_s for report in reports]),
            "barge_in_silence_s": _spread([turn.barge_in_silence_s for turn in turns]),
            "gaps_over_60ms": sum(gaps) if gaps else None,
            "waterfall": _waterfall(steps),
            "each": [report.model_dump(mode="json") for report in reports],
        }


def _heard(called: Sequence[Called]) -> list[Heard]:
    to_wall = time.time() - time.monotonic()  # the loop's clock is the monotonic one
    return [
        Heard(each.report.room, each.recording.start + turn.stopped_s + to_wall, turn.reply_s)
        for each in called
        if each.recording is not None and each.report.room is not None
        for turn in each.report.turns
        if turn.stopped_s is not None and turn.reply_s is not None
    ]


def _waterfall(steps: Sequence[Steps]) -> dict[str, Any]:
    if not steps:
        return {"turns": 0}
    rows = [dataclasses.asdict(each) for each in steps]
    return {
        "turns": len(rows),
        "median_turn": {
            name: value and round(value, 4)
            for name, value in dataclasses.asdict(median_turn(steps)).items()
        },
        "all": {name: _spread([row[name] for row in rows]) for name in rows[0]},
    }


def _spread(values: Sequence[float | None]) -> dict[str, float | int | None]:
    known = [value for value in values if value is not None]
    spread = Spread.of(known)
    return {
        "n": len(known),
        "p50": spread.p50 and round(spread.p50, 3),
        "p95": spread.p95 and round(spread.p95, 3),
    }


async def _measure(bench: Bench) -> dict[str, Any]:
    idle = machine.memory(bench.pids)
    async with machine.watched(bench.pids) as one:
        by_bridge = await bench.one_by_one(call)
    by_phone = await bench.one_by_one(phone_call)
    async with machine.watched(bench.pids) as three:
        at_once = await bench.at_once(phone_call)
    in_chorus = await bench.in_chorus(phone_call)
    return {
        "rows": {
            "bridge": by_bridge,
            "phone": by_phone,
            "phone, 3 at once": at_once,
            "phone, 3 in chorus": in_chorus,
        },
        "memory_mib": {"idle": idle, "1 call": one.held, "3 calls": three.held},
        "cpu_percent": {"1 call": _spread(one.cpu), "3 calls": _spread(three.cpu)},
    }


@contextlib.asynccontextmanager
async def _stack(costs: Costs | None, rounds: int) -> AsyncIterator[Bench]:
    """The one that runs, or one of our own whose models take what `costs` says."""
    if costs is None:
        stack, number = running_stack()
        yield _bench(stack, number, Settings.load(full_environment()).run_dir, rounds)
        return
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        async with parley_up(Path(folder), **costs.settings()) as own:
            yield _bench(line_to(own), own.facts["number"], own.folder, rounds)


def _bench(stack: Stack, number: str, folder: Path, rounds: int) -> Bench:
    parts = json.loads((folder / "stack.json").read_text())["parts"]
    pids = {name: part["pid"] for name, part in parts.items()}
    return Bench(stack, number, pids, folder / "logs" / "worker.log", rounds)


async def _run(costs: Costs | None, rounds: int) -> dict[str, Any]:
    async with _stack(costs, rounds) as bench:
        return await _measure(bench)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=2, help="times each call is made (12 turns)")
    options.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options.add_argument("--costs", type=Path, help="what models take on a GPU: bench/costs/…")
    given = options.parse_args()
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    try:
        costs = read_costs(given.costs) if given.costs else None
    except BadFileError as error:
        options.error(str(error))
    told = list(costs.page()) if costs else []
    print("\n".join(told))
    facts = machine.facts() | {
        "command": f"python -m bench.voice_to_voice {' '.join(sys.argv[1:])}"
    }
    results = {"machine": facts, "costs": costs and costs.model_dump(mode="json")}
    results |= asyncio.run(_run(costs, given.rounds))
    name = "voice_to_voice_costs" if costs else "voice_to_voice"
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")
    table = "\n".join([markdown(results), *told])
    (given.out / f"{name}.md").write_text(f"{table.rstrip()}\n")
    print(table)
    return 1 if any(row["problems"] for row in results["rows"].values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
