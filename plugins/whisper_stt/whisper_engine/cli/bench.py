"""`bench`: what a model costs on this machine, and how soon calls have their texts."""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whisper_engine.cli.calls import CallError, Turn, calls_at_once, trimmed
from whisper_engine.cli.costs import Costs, Decoding, Encoding, Workers
from whisper_engine.cli.figures import (
    CALL_HEAD,
    CallFigures,
    call_figures,
    call_row,
    milliseconds,
    table,
)
from whisper_engine.cli.process import EngineError, engine
from whisper_engine.cli.sounds import SoundError, load
from whisper_engine.cli.voice import voice
from whisper_engine.synthetic import SHAPES, write_random
from whisper_engine.whisper.device import check_compute_type, choose_device, default_compute_type
from whisper_engine.whisper.files import ModelError, find_model
from whisper_engine.whisper.lengths import MARGIN_SECONDS, bucket

TURNS = (1.6, 2.8, 4.2, 2.0, 5.5, 3.2)
"""Seconds of the made-up turns."""

SAYS = 15
"""Tokens of a turn with random weights."""


@dataclass(frozen=True)
class Figures:
    """All of one run."""

    model: str
    device: str
    compute_type: str
    encodings: tuple[Encoding, ...]
    decodings: tuple[Decoding, ...]
    workers: tuple[Workers, ...]
    calls: tuple[CallFigures, ...]


def run(options: argparse.Namespace) -> int:
    """0, or 1 after one sentence on what is wrong."""
    try:
        with _folder(options) as folder:
            figures = _measure(folder, options)
    except (ModelError, EngineError, SoundError, CallError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(_as_json(figures) if options.json else "\n".join(_as_page(figures)))
    return 0


@contextlib.contextmanager
def _folder(options: argparse.Namespace) -> Iterator[Path]:
    if options.model:
        yield find_model(options.model)
        return
    if options.shape not in SHAPES:
        raise ModelError(f"no shape named {options.shape}: take one of {', '.join(SHAPES)}")
    with tempfile.TemporaryDirectory() as folder:
        write_random(Path(folder), options.shape, says=SAYS)
        yield Path(folder)


def _measure(folder: Path, options: argparse.Namespace) -> Figures:
    device = choose_device(options.device)
    compute_type = options.compute_type or default_compute_type(device)
    check_compute_type(device, compute_type)
    turns = [trimmed(load(path)) for path in options.sounds]
    costs = Costs(folder, device, compute_type, options.repeats)
    settings = {"MODEL": str(folder), "DEVICE": device, "COMPUTE_TYPE": compute_type}
    return Figures(
        options.model or options.shape,
        device,
        compute_type,
        encodings=tuple(costs.encodings()),
        decodings=tuple(costs.decodings(bucket(0, MARGIN_SECONDS))),
        workers=tuple(costs.workers((1, 2))),
        calls=tuple(asyncio.run(_hold_calls(settings, turns or made_up_turns(), options.calls))),
    )


def made_up_turns() -> list[Turn]:
    return [trimmed(voice(seconds, seed)) for seed, seconds in enumerate(TURNS)]


async def _hold_calls(
    settings: Mapping[str, str], turns: Sequence[Turn], numbers: Sequence[int]
) -> list[CallFigures]:
    if not numbers:
        return []
    async with engine(settings) as there:
        return [call_figures(await calls_at_once(there.url, turns, number)) for number in numbers]


def _as_json(figures: Figures) -> str:
    body: dict[str, Any] = dataclasses.asdict(figures)
    return json.dumps(body, indent=2) + "\n"


def _as_page(figures: Figures) -> Iterator[str]:
    yield f"# {figures.model}, {figures.compute_type} on {figures.device}"
    yield from costs_page(figures.encodings, figures.decodings, figures.workers)
    if figures.calls:
        yield from ("", "Calls at the pace of speech, ms:", "")
        yield from table(CALL_HEAD, map(call_row, figures.calls))
    yield ""


def costs_page(
    encodings: Sequence[Encoding],
    decodings: Sequence[Decoding],
    workers: Sequence[Workers],
    *,
    decoder: str = "Decoder",
) -> Iterator[str]:
    """`decoder` names what was decoded, where that is not the shortest input."""
    yield from ("", "Encoder, ms of a batch:", "")
    yield from _encoder_table(encodings)
    yield from ("", f"{decoder}, ms of one token of each item of a batch:", "")
    steps = ((str(each.batch), milliseconds(each.seconds)) for each in decodings)
    yield from table(("batch", "ms"), steps)
    yield from ("", "Six turns on so many workers:", "")
    shared = ((str(each.workers), milliseconds(each.seconds)) for each in workers)
    yield from table(("workers", "ms"), shared)


def _encoder_table(encodings: Sequence[Encoding]) -> list[str]:
    batches = sorted({each.batch for each in encodings})
    seconds = {(each.frames, each.batch): each.seconds for each in encodings}
    lengths = sorted({each.frames for each in encodings})
    return table(
        ("seconds of sound", *(f"batch {batch}" for batch in batches)),
        (
            (f"{length / 100:g}", *(milliseconds(seconds[length, batch]) for batch in batches))
            for length in lengths
        ),
    )
