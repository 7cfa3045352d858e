"""How many voices an engine bears, simulated: `uv run python -m bench.csm_load --device h200`.

The figures are worth as much as the step times behind them, which are targets and estimates. Give
what your machine measured: `--takes STEP ROW TOKEN`, in seconds.
"""

import argparse
from dataclasses import replace

from bench.simulated_table import line, percentiles
from bench.simulated_voices import H200, L4, RTX_4090, Machine, simulate
from csm_engine.protocol import FRAME_SECONDS
from csm_engine.scheduling.step_times import FirstValues

MACHINES = {"h200": H200, "rtx-4090": RTX_4090, "l4": L4}
LOADS = (1, 2, 4, 8, 16, 32, 64, 128, 192, 256)
COLUMNS = (
    "replies offered at once",
    "most under way / capacity",
    "refused",
    "first sound, ms p50 / p95 / p99",
    "underruns (ms of silence)",
    "cancel → device idle for it, ms p50 / p95 / p99",
    "rows a tick",
    "frames lost",
    "device busy",
)


def main(options: argparse.Namespace) -> None:
    machine = replace(MACHINES[options.device], in_flight=options.in_flight)
    if options.takes:
        machine = replace(machine, takes=FirstValues(*options.takes))
    print(line(COLUMNS))
    print(line(["---"] * len(COLUMNS)))
    for load in options.loads or LOADS:
        print(row(machine, load, options), flush=True)


def row(machine: Machine, load: float, options: argparse.Namespace) -> str:
    report = simulate(machine, load, options.seconds, options.seed)
    return line(
        [
            f"{load:g}",
            f"{max(report.speaking, default=0)} / {report.capacity}",
            f"{report.refused / max(1, report.replies):.1%}",
            percentiles(report.first_sound),
            f"{report.underruns} ({1000 * report.starved:.0f})",
            percentiles(report.cancels),
            f"{report.frames / max(1, report.ticks):.1f}",
            f"{report.lost / max(1, report.frames + report.lost):.1%}",
            f"{report.busy / max(FRAME_SECONDS, report.lasted):.0%}",
        ]
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=MACHINES, default="h200")
    parser.add_argument("--loads", type=float, nargs="+", help="replies under way on average")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--in-flight", type=int, choices=(1, 2), default=1)
    parser.add_argument("--takes", type=float, nargs=3, metavar=("STEP", "ROW", "TOKEN"))
    return parser.parse_args()


if __name__ == "__main__":
    main(parse())
