"""How many calls an engine bears, simulated: `uv run python -m bench.whisper_load --device cpu`.

The figures are worth as much as the cost model behind them, whose first values are base.en on a
CPU, measured, and large-v3-turbo on a middling card, estimated. Give what your machine measured:
`--cost BATCH FRAME FRAME_SQUARED STEP ROW_STEP`, in seconds.
"""

import argparse
from dataclasses import replace
from statistics import fmean

from bench.simulated_callers import simulate
from bench.simulated_ears import CARD, CPU_BOX, Machine
from bench.simulated_table import line, percentiles
from whisper_engine.whisper.cost import Coefficients

MACHINES = {"cpu": CPU_BOX, "cuda": CARD}
CALLS = {"cpu": (1, 2, 4, 8, 16, 32), "cuda": (1, 25, 50, 75, 100, 150, 200)}
COLUMNS = (
    "calls",
    "speech → speculative text, ms p50 / p95 / p99",
    "flush → final, ms p50 / p95 / p99",
    "ready at the flush",
    "interims a minute of call",
    "decodes a batch",
    "load",
    "room",
)


def main(options: argparse.Namespace) -> None:
    machine = MACHINES[options.device]
    if options.cost:
        machine = replace(machine, takes=Coefficients(*options.cost))
    if options.workers:
        machine = replace(machine, workers=options.workers)
    print(line(COLUMNS))
    print(line(["---"] * len(COLUMNS)))
    for calls in options.calls or CALLS[options.device]:
        print(row(machine, calls, options))


def row(machine: Machine, calls: int, options: argparse.Namespace) -> str:
    report = simulate(machine, calls, options.seconds, options.seed)
    return line(
        [
            str(calls),
            percentiles(report.speculative),
            percentiles(report.finals),
            f"{fmean(wait == 0 for wait in report.finals):.0%}",
            f"{60 * report.interims / options.seconds / calls:.0f}",
            f"{fmean(report.sizes):.1f}",
            f"{fmean(report.loads):.2f}",
            f"{fmean(report.rooms):.0%}",
        ]
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=MACHINES, default="cpu")
    parser.add_argument("--calls", type=int, nargs="+")
    parser.add_argument("--seconds", type=float, default=300, help="of each call")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--cost", type=float, nargs=5, help="what batches take")
    return parser.parse_args()


if __name__ == "__main__":
    main(parse())
