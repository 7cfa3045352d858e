"""The commands beside `serve`: what they ask. What they do is imported when they run: torch, which
CTranslate2 imports for synthetic models where there is one, would cost `serve` seconds.
"""

import argparse
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

MODEL = "base.en"
FORMATS = ("text", "json", "srt", "vtt")
AT_ONCE = (1, 2, 4)
REPEATS = 5


def add_parsers(commands: Subparsers) -> None:
    """Each parser sets `run`, which takes its options and gives the exit status."""
    _add_transcribe(commands)
    _add_bench(commands)
    _add_ab(commands)


def _add_transcribe(commands: Subparsers) -> None:
    parser = commands.add_parser("transcribe", help="Write down what is said in a file.")
    parser.add_argument("file", type=Path, help="a sound file, or a film's")
    parser.add_argument("--model", default=MODEL, help=f"a name, a hub id or a folder ({MODEL})")
    _add_device(parser)
    parser.add_argument(
        "--language",
        nargs="+",
        default=["en"],
        metavar="CODE",
        help="what is spoken; of several, each turn's is detected (en)",
    )
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0])
    parser.set_defaults(run=_later("transcribe", "engine"))


def _add_bench(commands: Subparsers) -> None:
    parser = commands.add_parser("bench", help="Measure a model on this machine.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", help="a name, a hub id or a folder")
    which.add_argument(
        "--shape", help="random weights of this model's shape: as fast, and no download"
    )
    _add_device(parser)
    parser.add_argument(
        "--sounds",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="what callers say, a turn each; without, a voice without words",
    )
    parser.add_argument(
        "--calls", type=int, nargs="*", default=AT_ONCE, metavar="N", help="at once (1 2 4)"
    )
    parser.add_argument(
        "--repeats", type=int, default=REPEATS, help=f"the quickest counts ({REPEATS})"
    )
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(run=_later("bench", "engine"))


def _add_ab(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "ab", help="Find how short a model's input may be: word errors by padding and margin."
    )
    parser.add_argument(
        "source",
        type=Path,
        help="speech with its words: a folder (LibriSpeech's, or each sound with a .txt beside it), "
        "or a TSV of path, words and, if known, word:start:end…",
    )
    parser.add_argument("--model", nargs="+", default=[MODEL], help=f"one or several ({MODEL})")
    parser.add_argument("--language", default="en", help="what is spoken (en)")
    _add_device(parser)
    parser.add_argument("--most", type=int, metavar="TURNS", help="no more turns than these")
    parser.add_argument(
        "--streamed",
        type=_at_least_one,
        metavar="CALLS",
        help="instead: what hearing the speech as it comes costs, so many calls at once",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures, for machines")
    parser.set_defaults(run=_later("ab.comparison", "ab"))


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--compute-type",
        metavar="TYPE",
        help="CTranslate2's numbers (int8 on a CPU, float16 on a GPU)",
    )


def _at_least_one(given: str) -> int:
    number = int(given)
    if number < 1:
        raise ValueError(given)
    return number


def _later(module: str, extra: str) -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        try:
            command = importlib.import_module(f"whisper_engine.cli.{module}")
        except ModuleNotFoundError as error:
            fix = f'pip install "livekit-plugins-whisper-stt[{extra}]"'
            sys.stderr.write(f"there is no {error.name}: {fix}\n")
            return 1
        status: int = command.run(options)
        return status

    return run
