"""Whisper in three hands, on the same random weights, speech and machine: `python -m bench.whisper_peers`.

This engine over its socket; faster-whisper's `transcribe`, called with the whole turn when it has ended;
and, given a checkout of github.com/ufal/whisper_streaming (MIT, not part of this repository) by
`--whisper-streaming PATH`, its LocalAgreement policy, which decodes as the sound comes in and once more
at the end of the turn, so that nothing said is lost. Writes bench/results/whisper_peers.*.
"""

import argparse
import asyncio
import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from faster_whisper import WhisperModel

from bench.peers import LocalAgreement, Peer, Sound, WholeTurns, whisper_streaming
from bench.record import started, write
from bench.whisper_report import fluent_turns, speaking_weights
from whisper_engine.cli.calls import FLUSH_AFTER, TALK, Turn, calls_at_once
from whisper_engine.cli.figures import Quantiles, milliseconds, table
from whisper_engine.cli.process import engine
from whisper_engine.protocol import SAMPLE_RATE

SHAPES = ("tiny.en", "base.en")
AT_ONCE = (1, 4)
PIECE = 0.1
"""Seconds of sound that a peer is told at once."""

LEAD = 0.4
"""Seconds of line before the speech, which this engine decodes as well."""


@dataclass(frozen=True)
class Row:
    """`cpu` is seconds of a core for a second of speech."""

    shape: str
    who: str
    calls: int
    turns: int
    final: Quantiles
    cpu: float


async def paced(
    peer: Peer, thread: ThreadPoolExecutor, turns: Sequence[Turn], delay: float
) -> list[float]:
    """Seconds from each flush to its text. What a peer is too slow to hear in time waits in line."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(delay)
    took = []
    for turn in turns:
        began = time.monotonic()
        sound = _with_line(turn)
        for start in range(0, len(sound), round(PIECE * SAMPLE_RATE)):
            piece = sound[start : start + round(PIECE * SAMPLE_RATE)]
            await asyncio.sleep(began + (start + len(piece)) / SAMPLE_RATE - time.monotonic())
            loop.run_in_executor(thread, peer.listen, piece)
        asked = time.monotonic()
        if not await loop.run_in_executor(thread, peer.final):
            raise SystemExit("a peer heard nothing: the comparison would be of nothing")
        took.append(time.monotonic() - asked)
        rest = turn.seconds * (1 - TALK) / TALK - FLUSH_AFTER
        await asyncio.sleep(asked + rest - time.monotonic())
    return took


def _with_line(turn: Turn) -> Sound:
    before, after = (np.zeros(round(each * SAMPLE_RATE), np.int16) for each in (LEAD, FLUSH_AFTER))
    return np.concatenate([before, turn.pcm, after]).astype(np.float32) / np.float32(32_768)


async def measure_peer(
    make: Callable[[WhisperModel], Peer], folder: Path, turns: Sequence[Turn], number: int
) -> tuple[list[float], float]:
    """Times of all calls, and seconds of a core."""
    workers = min(number, os.cpu_count() or 1)
    threads = max(1, (os.cpu_count() or 1) // workers)
    model = WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=threads, num_workers=workers
    )
    before = time.process_time()
    executors = [ThreadPoolExecutor(1) for _ in range(number)]
    calls = [
        paced(make(model), thread, [*turns[n:], *turns[:n]], 3.0 * n / number)
        for n, thread in enumerate(executors)
    ]
    took = [each for times in await asyncio.gather(*calls) for each in times]
    for thread in executors:
        thread.shutdown()
    return took, time.process_time() - before


async def measure_engine(
    folder: Path, turns: Sequence[Turn], number: int
) -> tuple[list[float], float]:
    async with engine({"MODEL": str(folder), "DEVICE": "cpu"}) as there:
        process = psutil.Process(there.pid)
        before = sum(process.cpu_times()[:2])
        calls = await calls_at_once(there.url, turns, number)
        spent = sum(process.cpu_times()[:2]) - before
    return [turn.flush_to_final for call in calls for turn in call or ()], spent


async def measure(shape: str, options: argparse.Namespace, turns: Sequence[Turn]) -> list[Row]:
    rows = []
    makers: dict[str, Callable[[WhisperModel], Peer]] = {"faster-whisper, whole turns": WholeTurns}
    if options.whisper_streaming:
        module = whisper_streaming(options.whisper_streaming)
        makers["whisper_streaming"] = lambda model: LocalAgreement(module, model)
    with speaking_weights(shape) as folder:
        for number in options.calls:
            heard = {"this engine": await measure_engine(folder, turns, number)}
            for who, make in makers.items():
                heard[who] = await measure_peer(make, folder, turns, number)
            speech = number * sum(turn.seconds for turn in turns)
            for who, (took, spent) in heard.items():
                row = Row(shape, who, number, len(took), Quantiles.of(took), spent / speech)
                rows.append(row)
    return rows


def page(rows: Sequence[Row], turns: Sequence[Turn]) -> Iterator[str]:
    yield "# Whisper in three hands"
    yield f"The same random weights (int8) and {len(turns)} turns a call of real speech over G.711 at its own"
    yield "pace, flushed 0.25 s after its end. This engine decodes greedily, with interims; faster-whisper"
    yield "greedily, once a turn; whisper_streaming as it comes, with a beam of 5."
    yield ""
    head = (
        "shape",
        "calls",
        "who",
        "turns",
        "flush → text, p50 / p95 / p99 ms",
        "core s per s of speech",
    )
    yield from table(head, map(_cells, rows))


def _cells(row: Row) -> tuple[str, ...]:
    times = (row.final.p50, row.final.p95, row.final.p99)
    shown = " / ".join(map(milliseconds, times))
    return (row.shape, str(row.calls), row.who, str(row.turns), shown, f"{row.cpu:.2f}")


async def main(options: argparse.Namespace) -> None:
    facts = started()
    turns = fluent_turns()[: options.turns]
    rows = [row for shape in options.shapes for row in await measure(shape, options, turns)]
    body = {"rows": list(map(dataclasses.asdict, rows))}
    print(write("whisper_peers", facts, page(rows, turns), body)[0])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", nargs="+", default=SHAPES)
    parser.add_argument("--calls", nargs="+", type=int, default=AT_ONCE, help="at once")
    parser.add_argument("--turns", type=int, help="no more turns a call than these")
    parser.add_argument("--whisper-streaming", type=Path, metavar="PATH", help="a checkout of it")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(parse()))
