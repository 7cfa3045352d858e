"""A frame by transformers' `generate` and by this engine, on one device: `python -m bench.csm_peers`.

Both have the same random weights and as many tokens behind each row; a frame of `generate` is what
more frames take more, so that its prefill does not count. It makes codes and no sound, as our step
does; our tick makes the sound too. Writes bench/results/csm_peers.*.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bench import record
from bench.csm_page import about, device_facts, ms, table
from bench.csm_rig import SHAPES, Rig, make_device, make_model, timed
from csm_engine.csm import census
from csm_engine.csm.config import config_from
from csm_engine.csm.fields import Fields
from csm_engine.csm.model import Csm
from csm_engine.csm.synthetic.folder import random_tensors

ROWS = (1, 4, 16)
CONTEXT = 600
FRAMES = (4, 16)
"""Few and many: the difference is divided by the frames between."""

SPARE = 16
HEAD = (
    "rows",
    "transformers, `generate`",
    "ours, one operation at a time",
    "ours, replayed",
    "ours with its sound",
    "times as fast",
)


@dataclass
class Row:
    """Seconds a frame; None where it was not measured, and `failed` says why."""

    rows: int
    generate: float | None = None
    eager: float | None = None
    step: float | None = None
    tick: float | None = None
    failed: list[str] = field(default_factory=list)


def make_peer(shape: str, *, dtype: torch.dtype, device: str) -> Any:
    """transformers' model, with the numbers of `random_model` but for the codec, which it has its
    own of and `generate` does not ask."""
    import transformers  # noqa: PLC0415 - seconds

    library: Any = transformers
    values = SHAPES[shape]
    tensors = random_tensors(config_from(Fields(values, shape)), seed=0, dtype=dtype, device=device)
    with torch.device(device):
        peer = library.CsmForConditionalGeneration(library.CsmConfig.from_dict(values)).to(dtype)
    own = {name: each for name, each in tensors.items() if not name.startswith(census.CODEC)}
    missing, unexpected = peer.load_state_dict(own, strict=False)
    left = [name for name in missing if not name.startswith(census.CODEC)]
    if left or unexpected:
        raise RuntimeError(f"transformers names CSM's tensors otherwise: {left + unexpected}")
    return peer.eval()


def generated(peer: Any, prompts: torch.Tensor, frames: int) -> torch.Tensor:
    """[rows, tokens] of text → [rows, frames, codebooks], greedily."""
    made: torch.Tensor = peer.generate(
        input_ids=prompts, max_new_tokens=frames, do_sample=False, depth_decoder_do_sample=False
    )
    return made


def of_peer(peer: Any, rows: int, context: int, repeats: int) -> float:
    """Seconds a frame."""
    prompts = torch.randint(0, 256, (rows, context), device=peer.device)
    few, many = (
        median(_seconds(partial(generated, peer, prompts, frames)) for _ in range(repeats))
        for frames in FRAMES
    )
    return (many - few) / (FRAMES[1] - FRAMES[0])


def _seconds(generate: partial[torch.Tensor]) -> float:
    began = time.perf_counter()
    generate().cpu()
    return time.perf_counter() - began


def of_ours(model: Csm, row: Row, context: int, options: argparse.Namespace) -> None:
    on = make_device(options.device, tf32=False)
    repeats = options.repeats
    rig = Rig(model, on, row.rows, context=context, steps=repeats + SPARE)
    row.eager = median(timed(rig.make, repeats, model.device))
    rig.capture()
    rig.rewind()
    row.step = median(timed(rig.make, repeats, model.device))
    rig.rewind()
    row.tick, _ = rig.ticks(repeats)


def measure(options: argparse.Namespace, context: int) -> Iterator[Row]:
    model = make_model(options.shape, options.device)
    peer = make_peer(options.shape, dtype=model.dtype, device=options.device)
    for rows in options.rows:
        row = Row(rows)
        try:
            of_ours(model, row, context, options)
            row.generate = of_peer(peer, rows, context, options.rounds)
        except RuntimeError as error:
            row.failed.append(f"{type(error).__name__}: {error}")
        print(row, file=sys.stderr, flush=True)
        yield row


def page(facts: Mapping[str, Any], rows: Sequence[Row]) -> Iterator[str]:
    yield f"# CSM beside transformers on {facts['device']}"
    yield f"{about(facts)[:-1]}, transformers {facts['transformers']}."
    yield f"Random weights of the shape {facts['shape']}, the same in both; {facts['context']} tokens"
    yield "behind each row. ms a frame of all rows; `generate` and our step make codes, and no sound."
    yield ""
    yield from table(HEAD, map(_cells, rows))
    for row in rows:
        yield from (f"- {row.rows} rows: {why}" for why in row.failed)


def _cells(row: Row) -> tuple[str, ...]:
    times = "-" if not (row.generate and row.step) else f"{row.generate / row.step:.1f}"
    return (str(row.rows), *map(ms, (row.generate, row.eager, row.step, row.tick)), times)


def main(options: argparse.Namespace) -> int:
    import transformers  # noqa: PLC0415 - seconds

    facts = record.started() | device_facts(options.shape, options.device)
    context = min(options.context, SHAPES[options.shape]["max_position_embeddings"] // 2)
    facts |= {"transformers": transformers.__version__, "context": context}
    with torch.inference_mode():
        rows = list(measure(options, context))
    body = {"rows": list(map(asdict, rows))}
    text, data = record.write("csm_peers", facts, page(facts, rows), body, options.out)
    print(data if options.json else text)
    return int(any(row.failed for row in rows))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="csm-1b")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--context", type=int, default=CONTEXT, help="tokens behind each row")
    parser.add_argument("--repeats", type=int, default=40, help="of our frames")
    parser.add_argument("--rounds", type=int, default=3, help="of `generate`")
    parser.add_argument("--json", action="store_true", help="print the figures, not the page")
    parser.add_argument("--out", type=Path, default=record.RESULTS, help="folder of the results")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse(sys.argv[1:])))
