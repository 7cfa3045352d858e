"""Whisper on a GPU by CTranslate2, as the engine runs it; `bench.whisper_gpu` decides and calls it."""

import argparse
import asyncio
import dataclasses
import math
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from bench.record import started, write
from bench.whisper_report import fluent_turns, speaking_weights
from whisper_engine.cli.bench import costs_page
from whisper_engine.cli.calls import Heard, Turn, calls_at_once
from whisper_engine.cli.costs import Costs, Decoding, Encoding, Workers
from whisper_engine.cli.figures import (
    CALL_HEAD,
    CallFigures,
    call_figures,
    call_row,
    table,
)
from whisper_engine.cli.process import engine
from whisper_engine.whisper.device import choose_device
from whisper_engine.whisper.lengths import FULL_FRAMES
from whisper_engine.whisper.weights import Weights

BATCHES = (1, 2, 4, 8, 16)
CALLS_A_PROCESS = 25
"""More of them would wait for their own event loop, not for the engine."""

WITHIN = 20.0
"""Seconds in which the calls begin."""


@dataclass(frozen=True)
class Row:
    shape: str
    compute_type: str
    encodings: tuple[Encoding, ...]
    decodings: tuple[Decoding, ...]
    workers: tuple[Workers, ...]
    calls: tuple[CallFigures, ...]


def measure(shape: str, compute_type: str, options: argparse.Namespace) -> Row:
    turns = fluent_turns()[: options.turns]
    with speaking_weights(shape) as folder:
        # CTranslate2 finds out only now whether CUDA's libraries are there.
        Weights.load(str(folder), device="cuda", compute_type=compute_type)
        costs = Costs(folder, "cuda", compute_type, options.repeats)
        row = Row(
            shape,
            compute_type,
            encodings=tuple(costs.encodings(batches=BATCHES)),
            decodings=tuple(costs.decodings(FULL_FRAMES, BATCHES)),
            workers=tuple(costs.workers((1, 2))),
            calls=(),
        )
        del costs
        settings = {"MODEL": str(folder), "DEVICE": "cuda", "COMPUTE_TYPE": compute_type}
        calls = asyncio.run(hold_calls(settings, turns, options.calls))
    return dataclasses.replace(row, calls=tuple(calls))


async def hold_calls(
    settings: Mapping[str, str], turns: Sequence[Turn], numbers: Sequence[int]
) -> list[CallFigures]:
    sessions = {"LISTEN__MAX_SESSIONS": str(max(numbers, default=1))}
    figures = []
    for number in numbers:
        async with engine({**settings, **sessions}) as there:
            held = await asyncio.to_thread(call_from_processes, there.url, turns, number)
        figures.append(call_figures(held))
    return figures


def call_from_processes(url: str, turns: Sequence[Turn], number: int) -> list[list[Heard] | None]:
    processes = math.ceil(number / CALLS_A_PROCESS)
    shares = [number // processes + (n < number % processes) for n in range(processes)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(_call, url, turns, share) for share in shares]
        return [call for job in jobs for call in job.result()]


def _call(url: str, turns: Sequence[Turn], number: int) -> list[list[Heard] | None]:
    return asyncio.run(calls_at_once(url, turns, number, within=WITHIN))


def page(rows: Sequence[Row], gpu: str) -> Iterator[str]:
    yield "# Whisper on a GPU"
    yield f"{gpu}. Random weights; real speech over G.711 mu-law at its own pace, flushed 0.25 s after its end."
    for row in rows:
        yield from ("", f"## {row.shape}, {row.compute_type}")
        yield from costs_page(row.encodings, row.decodings, row.workers, decoder="Decoder on 30 s")
        if row.calls:
            yield from ("", "Calls:", "")
            yield from table(CALL_HEAD, map(call_row, row.calls))


def _gpu() -> str:
    query = ("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()


def run(options: argparse.Namespace) -> None:
    """Raises DeviceError where CTranslate2 finds no GPU, or not CUDA's libraries."""
    choose_device("cuda")
    facts = started() | {"gpu": _gpu()}
    rows = [measure(shape, kind, options) for shape in options.shapes for kind in options.types]
    body = {"rows": list(map(dataclasses.asdict, rows))}
    text, data = write("whisper_gpu", facts, page(rows, str(facts["gpu"])), body, options.out)
    print(data if options.json else text)
