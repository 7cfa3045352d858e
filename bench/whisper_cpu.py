"""How soon Whisper hears on a CPU: `python -m bench.whisper_cpu`, on an otherwise idle machine.

Random weights of real shapes (speed does not depend on weights), int8, behind the engine's own socket;
real clips over G.711 at the pace of speech. Then scripted weights that say a word for each quarter of
a second of sound they hear: does a final say what its preflight said, and how far behind the speech
are interims? Writes bench/results/whisper_cpu.*.
"""

import argparse
import asyncio
import dataclasses
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from bench import machine
from bench.record import started, write
from bench.whisper_report import (
    PAUSE,
    counters,
    fluent_turns,
    real_turns,
    speaking_weights,
)
from whisper_engine.cli.bench import SAYS
from whisper_engine.cli.calls import Heard, Turn, calls_at_once
from whisper_engine.cli.figures import (
    CALL_HEAD,
    CallFigures,
    Quantiles,
    call_figures,
    call_row,
    milliseconds,
    table,
)
from whisper_engine.cli.process import engine
from whisper_engine.synthetic import write_scripted

SHAPES = ("tiny.en", "base.en")
AT_ONCE = (1, 2, 4)

TARGETS = (
    ("end of speech → whole text, p50 / p95 ms", "220 / 300", "290 / 420"),
    ("flush → FINAL, p50 / p95 / p99 ms", "5 / 60 / 150", "5 / 150 / 300"),
    ("→ FINAL, p50 / p99 ms (flushed after 0.2 s)", "260 / 450", "320 / 600"),
    ("onset → first interim, ms", "700", "900"),
    ("an interim behind the speech, mean ms", "600", "900"),
    ("calls with interims", "4", "2"),
    ("preflights kept", "≥ 85 %", "≥ 85 %"),
)
"""Of tiny.en and base.en on 2 cores; the first for utterances of at most 6 s."""

COUNTED = ("parley_whisper_settled_total", "parley_whisper_fallback_total")
WORD = 0.25
"""Seconds of sound that a word of the script takes."""

SCRIPT = " ".join(f"word{number}" for number in range(60))


@dataclass(frozen=True)
class Row:
    """One shape, so many calls. `memory` is the engine's peak in MiB, `counted` the engine's own."""

    shape: str
    figures: CallFigures
    memory: float
    counted: Mapping[str, float]


@dataclass(frozen=True)
class Scripted:
    """Weights that hear how much is said. `lags` are of interims, behind the speech."""

    figures: CallFigures
    lags: tuple[float, ...]
    counted: Mapping[str, float]


async def measure(shape: str, turns: Sequence[Turn], numbers: Sequence[int]) -> list[Row]:
    with speaking_weights(shape) as folder:
        settings = {"MODEL": str(folder), "DEVICE": "cpu"}
        return [await _calls(shape, settings, turns, number) for number in numbers]


async def measure_script(turns: Sequence[Turn]) -> Scripted:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scripted"
        write_scripted(path, SCRIPT, token_seconds=WORD)
        settings = {"MODEL": str(path), "DEVICE": "cpu", "COMPUTE_TYPE": "float32"}
        async with engine(settings) as there:
            heard = await calls_at_once(there.url, turns, 1)
            counted = await asyncio.to_thread(counters, there.url, *COUNTED)
    return Scripted(call_figures(heard), lags(heard[0] or ()), counted)


def lags(heard: Sequence[Heard]) -> tuple[float, ...]:
    """Seconds since the last word of each interim had been said when it came."""
    return tuple(
        at - min(words * WORD, turn.speech) for turn in heard for at, words in turn.interims
    )


async def _calls(
    shape: str, settings: Mapping[str, str], turns: Sequence[Turn], number: int
) -> Row:
    async with engine(settings) as there, machine.watched({"engine": there.pid}) as peak:
        figures = call_figures(await calls_at_once(there.url, turns, number))
        counted = await asyncio.to_thread(counters, there.url, *COUNTED)
    return Row(shape, figures, peak.held.get("engine", 0.0), counted)


def page(rows: Sequence[Row], hits: Scripted, turns: Sequence[Turn]) -> Iterator[str]:
    seconds = sorted(turn.seconds for turn in turns)
    yield "# Whisper on a CPU"
    yield f"int8, random weights that say {SAYS} tokens a turn. {len(turns)} turns a call, real"
    yield f"speech of {seconds[0]:.1f} to {seconds[-1]:.1f} s over G.711 mu-law at its own pace, flushed"
    yield "0.25 s after its end. Memory is the engine's peak (PSS)."
    yield ""
    head = ("shape", *CALL_HEAD, "second decodes", "memory MiB")
    yield from table(head, map(_cells, rows))
    yield from ("", "Targets on 2 cores:", "")
    yield from table(("", "tiny.en", "base.en"), TARGETS)
    figures = hits.figures
    yield ""
    yield f"Scripted weights, which hear how much is said: of {figures.turns} turns, {figures.told} had a"
    yield f"preflight before the flush, and {figures.hits} finals said the same. Speculation had the text of"
    yield f"{_counted(hits, 'settled_total yes'):.0f} of {_counted(hits, 'settled_total'):.0f} when it was wanted. {len(hits.lags)} interims were"
    yield f"behind the speech by {milliseconds(fmean(hits.lags))} ms in the mean, {milliseconds(Quantiles.of(hits.lags).p95)} ms at the 95th percentile."


def _cells(row: Row) -> tuple[str, ...]:
    again = f"{_counted(row, 'fallback_total'):.0f}"
    return (row.shape, *call_row(row.figures), again, f"{row.memory:.0f}")


def _counted(row: Row | Scripted, name: str) -> float:
    """The sum over labels that are not named."""
    return sum(value for key, value in row.counted.items() if name in key)


async def main(options: argparse.Namespace) -> None:
    facts = started()
    turns = fluent_turns()[: options.turns]
    rows = [row for shape in options.shapes for row in await measure(shape, turns, options.calls)]
    hits = await measure_script(real_turns(PAUSE)[: options.turns])
    body = {"rows": list(map(dataclasses.asdict, rows)), "hits": dataclasses.asdict(hits)}
    print(write("whisper_cpu", facts, page(rows, hits, turns), body)[0])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", nargs="+", default=SHAPES)
    parser.add_argument("--calls", nargs="+", type=int, default=AT_ONCE, help="at once")
    parser.add_argument("--turns", type=int, help="no more turns a call than these")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(parse())))
