"""What Whisper costs on a GPU, and how many calls it bears: `python -m bench.whisper_gpu`.

Random weights of the real shapes (speed does not depend on weights). Where CTranslate2 finds CUDA's
libraries: its encoder and decoder, one worker against two, float16 against int8_float16, and calls at
the pace of speech over the engine's own socket. Where it does not (CUDA 13) and torch sees the GPU: the
same shapes with transformers' Whisper, marked as such, the batcher's cost model fitted to them, and the
calls it bears, simulated. That needs torch, transformers, numpy, scipy and psutil, and this tree on
PYTHONPATH with plugins/whisper_stt. Writes bench/results/whisper_gpu.*.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.record import RESULTS
from bench.whisper_dims import BUCKETS, SHAPES

CTRANSLATE2_SHAPES = ("large-v3-turbo", "distil-large-v3")
TORCH_SHAPES = tuple(shape for shape in SHAPES if shape != "micro")
SIMULATED = TORCH_SHAPES[:3]
AT = (50, 100, 150)
LADDER = (10, 25, 50, 75, 100, 125, 150, 175, 200, 250, 300, 400)
PERIODS = (0.3, 0.6, 1.2, math.inf)
"""Seconds from an interim to the next; infinite: none."""


class NotHereError(Exception):
    """It cannot be measured in this way on this machine; the message says why."""


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    try:
        _by_ctranslate2(options)
    except NotHereError as error:
        print(f"not by CTranslate2: {error}", file=sys.stderr)
    else:
        return 0
    try:
        return _by_torch(options)
    except NotHereError as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1


# A bare GPU machine lacks what one half of this needs, and most machines what the other half needs.
def _by_ctranslate2(options: argparse.Namespace) -> None:
    if options.torch:
        raise NotHereError("--torch was given")
    try:
        from bench import whisper_ctranslate2 as bench  # noqa: PLC0415
        from whisper_engine.whisper.device import DeviceError  # noqa: PLC0415
    except ImportError as error:
        raise NotHereError(f"{error.name} is not installed") from error
    try:
        bench.run(_filled(options, CTRANSLATE2_SHAPES, repeats=10))
    except DeviceError as error:
        raise NotHereError(str(error)) from error


def _by_torch(options: argparse.Namespace) -> int:
    try:
        from bench import whisper_torch_run as bench  # noqa: PLC0415
    except ImportError as error:
        raise NotHereError(f"{error.name} is not installed") from error
    if options.device == "cuda" and not bench.has_gpu():
        raise NotHereError(
            "torch sees no GPU; --torch --device cpu --shapes micro --out FOLDER tries the bench"
        )
    return bench.run(_filled(options, TORCH_SHAPES, repeats=5))


def _filled(options: argparse.Namespace, shapes: Sequence[str], repeats: int) -> argparse.Namespace:
    """A copy: when one half gives up, the other has defaults of its own."""
    return argparse.Namespace(
        **{
            **vars(options),
            "shapes": options.shapes or shapes,
            "repeats": options.repeats or repeats,
        }
    )


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, metavar="SHAPE")
    parser.add_argument("--repeats", type=int, help="the quickest counts (10; torch 5)")
    parser.add_argument("--json", action="store_true", help="print the figures, not the page")
    parser.add_argument("--out", type=Path, help="folder of both (bench/results)")
    there = parser.add_argument_group("with CTranslate2")
    there.add_argument("--types", nargs="+", default=("float16", "int8_float16"), help="of numbers")
    there.add_argument("--calls", nargs="*", type=int, default=(50, 100, 150), help="at once")
    there.add_argument("--turns", type=int, help="no more turns a call than these")
    torch = parser.add_argument_group("with torch")
    torch.add_argument("--torch", action="store_true", help="even where CTranslate2 works")
    torch.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    torch.add_argument("--lengths", nargs="+", type=int, default=BUCKETS, help="in mel frames")
    torch.add_argument("--batches", nargs="+", type=int, default=(1, 2, 4, 8, 16))
    torch.add_argument("--seconds", type=float, default=300, help="to begin shapes in")
    simulated = parser.add_argument_group("simulated on what torch measured")
    simulated.add_argument("--simulated", nargs="*", default=SIMULATED, help="shapes")
    simulated.add_argument("--at", nargs="+", type=int, default=AT, help="so many calls")
    simulated.add_argument("--ladder", nargs="+", type=int, default=LADDER, help="of calls")
    simulated.add_argument("--periods", nargs="+", type=float, default=PERIODS, help="of interims")
    simulated.add_argument("--of-each", type=float, default=120, help="seconds of a call")
    options = parser.parse_args(arguments)
    if options.device == "cpu" and options.out is None:
        parser.error("a trial on a CPU is no result to keep: give --out FOLDER")
    options.out = options.out or RESULTS
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
