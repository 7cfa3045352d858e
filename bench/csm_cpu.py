"""What the CSM engine's host does for each tick, by part: `python -m bench.csm_cpu`, no GPU needed.

It must stay far below a step of the device, which waits for it otherwise. Beside it the whole step
of the tiny model, where nearly all is dispatch: what a GPU would wait for without CUDA graphs. The
codec is measured by bench.csm_mimi, the scheduler under load by bench.csm_load, an engine as a
whole by `csm-engine bench`. Writes bench/results/csm_cpu.*.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from bench import record
from bench.csm_page import about, device_facts, ms, table
from bench.csm_rig import Rig, make_device, make_model
from csm_engine.endings.ending import Ending
from csm_engine.endings.level import of_power
from csm_engine.protocol import FRAME_SECONDS
from csm_engine.scheduling.playout import Playout
from csm_engine.scheduling.rows import Limits
from csm_engine.scheduling.scheduler import Scheduler
from csm_engine.scheduling.step_times import BUCKETS, StepTimes

ROWS = (1, 16, 64, 256)
CONTEXT = 100
FRAMES = 1_000
"""Of a sentence that does not end while it is measured."""

Part = Callable[[], object]


class Counted(TorchDispatchMode):
    """How many operations PyTorch is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        self.operations += 1
        return func(*args, **(kwargs or {}))


@dataclass(frozen=True)
class Tick:
    """Seconds of a tick of `rows` by part, and of the tiny model's whole step; the operations that
    step asks for."""

    rows: int
    plan: float
    advance: float
    choose: float
    judge: float
    step: float
    operations: int


def measure(rows: int, repeats: int) -> Tick:
    on = make_device("cpu", tf32=False)
    rig = Rig(make_model("tiny", "cpu"), on, rows, context=CONTEXT, steps=1)
    slots = list(range(rows))

    def advance() -> None:
        for slot in slots:
            rig.kv.truncate(rig.sequences[slot], CONTEXT)
            rig.slots.advance(slot, rig.sequences[slot])

    def step() -> None:
        rig.rewind()
        rig.step.run()

    with Counted() as counted:
        step()
    return Tick(
        rows,
        plan=timed(planning(rows), repeats),
        advance=timed(advance, repeats),
        choose=timed(lambda: rig.step.choose(slots), repeats),
        judge=timed(judging(rig, rows), repeats),
        step=timed(step, max(2, repeats // 10)),
        operations=counted.operations,
    )


def planning(rows: int) -> Callable[[], int]:
    """The scheduler's share of a tick in which all rows get a frame; it gives how many did."""
    largest = max(rows, *BUCKETS)
    scheduler = Scheduler(StepTimes(buckets=sorted({*BUCKETS, largest})), Limits(rows=rows))
    for _ in range(rows):
        scheduler.submit(1, Playout(), 0.0)
    now = 0.0

    def plan() -> int:
        nonlocal now
        tick = scheduler.plan(now)
        # So long that nobody is ahead and everybody is wanted again.
        now += FRAME_SECONDS
        scheduler.done(tick, FRAME_SECONDS / 8, now)
        return len(tick.rows)

    # Prompts are read first, a budget's worth a tick.
    for _ in range(rows):
        plan()
    return plan


def judging(rig: Rig, rows: int) -> Part:
    """What is made of a tick's frames, once they are on the host: verdicts, and bytes to send."""
    endings = [Ending(FRAMES, FRAMES) for _ in range(rows)]
    random = np.random.default_rng(0)
    books = rig.model.config.num_codebooks
    codes = torch.from_numpy(random.integers(1, rig.model.config.codebook_size, (rows, books)))
    sounds = random.integers(-3_000, 3_000, rig.codec.sound.shape).astype(np.int16)
    power: Tensor = torch.full((rows,), 0.01)
    number = 0

    def judge() -> list[bytes]:
        nonlocal number
        # No frame is like the last one, which would be an end.
        number += 1
        codes[:, 0] = number % rig.model.config.codebook_size
        sent = []
        frames, powers = codes.tolist(), power.tolist()
        for row, ending in enumerate(endings):
            ending.codes(frames[row])
            ending.sound(of_power(powers[row]))
            sent.append(sounds[row].astype("<i2", copy=False).tobytes())
        return sent

    return judge


def timed(part: Part, repeats: int) -> float:
    """Seconds, the median."""
    part()
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        part()
        took.append(time.perf_counter() - began)
    return median(took)


HEAD = (
    "rows",
    "scheduler",
    "pages",
    "choosing rows",
    "endings and bytes",
    "sum, ms a tick",
    "tiny model's step, ms",
    "its operations",
)


def page(facts: Mapping[str, Any], ticks: Sequence[Tick]) -> Iterator[str]:
    yield "# The host's share of a CSM tick"
    yield f"{about(facts)} One thread. Median of {facts['repeats']}, ms."
    if facts["load_before"] >= 1:
        yield "The machine was not quiet: other work ran beside this."
    yield ""
    yield from table(HEAD, map(_cells, ticks))
    yield ""
    yield "The step is that of a model of 3 + 2 layers and 8 codebooks, one operation at a time."


def _cells(tick: Tick) -> tuple[str, ...]:
    parts = (tick.plan, tick.advance, tick.choose, tick.judge)
    rest = (ms(sum(parts)), ms(tick.step), str(tick.operations))
    return (str(tick.rows), *map(ms, parts), *rest)


def main(options: argparse.Namespace) -> int:
    torch.set_num_threads(1)
    facts = record.started() | device_facts("tiny", "cpu") | {"repeats": options.repeats}
    with torch.inference_mode():
        ticks = [measure(rows, options.repeats) for rows in options.rows]
    body = {"ticks": list(map(asdict, ticks))}
    text, data = record.write("csm_cpu", facts, page(facts, ticks), body, options.out)
    print(data if options.json else text)
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--json", action="store_true", help="print the figures, not the page")
    parser.add_argument("--out", type=Path, default=record.RESULTS, help="folder of the results")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse(sys.argv[1:])))
