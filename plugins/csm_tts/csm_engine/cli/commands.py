"""The commands beside `serve`: what they ask. What they do is imported when they run: torch would
cost `serve` seconds, and is of another extra.
"""

import argparse
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

from csm_engine.cli.errors import CommandError
from parley_serving import StartError

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
NumberT = TypeVar("NumberT", int, float)

STDIO = "-"
AT_ONCE = (1, 2, 4)
SENTENCES = 3
MAX_SEED = 2**63 - 1
MAX_TEMPERATURE = 5.0
MAX_TOP_K = 256
"""The bounds of `csm.sampler`, which needs torch: a test holds them together."""

WRONG = 2
INTERRUPTED = 130


def add_parsers(commands: Subparsers) -> None:
    """Each parser sets `run`, which takes its options and gives the exit status."""
    _add_speak(commands)
    _add_bench(commands)
    _add_voice(commands)
    _add_doctor(commands)


def _add_speak(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "speak", help="Speak a text into a file, by the settings' model or by an engine."
    )
    parser.add_argument("text", help=f"what to say; {STDIO} reads it from stdin")
    parser.add_argument(
        "-o", "--out", required=True, help=f"a .wav, or {STDIO} for raw s16le 24 kHz on stdout"
    )
    parser.add_argument("--voice", default="default", help="a voice's name (default)")
    parser.add_argument("--seed", type=_within(int, MAX_SEED), help="the same seed, the same sound")
    parser.add_argument(
        "--temperature", type=_within(float, MAX_TEMPERATURE), help="how freely it speaks; 0: not"
    )
    parser.add_argument(
        "--top-k", type=_within(int, MAX_TOP_K), help="codes to choose from; 0: all of them"
    )
    parser.add_argument(
        "--url", help="of an engine that runs, whose key is CSM_LISTEN__KEY; without: in here"
    )
    parser.set_defaults(run=_later("speak"))


def _add_bench(commands: Subparsers) -> None:
    parser = commands.add_parser("bench", help="Measure the settings' model on this machine.")
    parser.add_argument(
        "--at-once",
        type=_counted,
        nargs="+",
        default=AT_ONCE,
        metavar="N",
        help="conversations (1 2 4)",
    )
    parser.add_argument(
        "--sentences",
        type=_counted,
        default=SENTENCES,
        metavar="N",
        help=f"that each conversation speaks ({SENTENCES})",
    )
    parser.add_argument("--voice", default="default", help="a voice's name (default)")
    _add_json(parser)
    parser.set_defaults(run=_later("bench"))


def _add_voice(commands: Subparsers) -> None:
    parser = commands.add_parser("voice", help="Add, list or check CSM's voices.")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="Make a voice of a clip whose speaker consents.")
    add.add_argument("name", help="letters, digits, '_', '-' and '.'")
    add.add_argument("--clip", type=Path, required=True, help="16-bit mono .wav, 8 to 15 s is best")
    for name, what in (
        ("transcript", "what the clip says, word for word"),
        ("consent", "who speaks, and what they allow"),
        ("licence", "the clip's licence"),
    ):
        given = add.add_mutually_exclusive_group(required=True)
        given.add_argument(f"--{name}", metavar="TEXT", help=what)
        given.add_argument(f"--{name}-file", type=Path, metavar="FILE", help="the same, in a file")
    add.set_defaults(run=_later("voice", "add"))
    listed = actions.add_parser("list", help="Name the voices.")
    listed.set_defaults(run=_later("voice", "names"))
    check = actions.add_parser(
        "check", help="Say what is wrong with each voice, or could be better."
    )
    check.set_defaults(run=_later("voice", "check"))
    for action in (add, listed, check):
        action.add_argument("--folder", type=Path, help="of the voices (CSM_VOICES)")


def _add_doctor(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "doctor", help="Say whether this machine can speak by the settings, and what to mend."
    )
    _add_json(parser)
    parser.set_defaults(run=_later("doctor"))


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for machines")


def _within(kind: Callable[[str], NumberT], most: NumberT) -> Callable[[str], NumberT]:
    def read(given: str) -> NumberT:
        try:
            value = kind(given)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{given!r} is not a number") from None
        if not 0 <= value <= most:
            raise argparse.ArgumentTypeError(f"{given} is not in 0…{most:g}")
        return value

    return read


def _counted(given: str) -> int:
    if not given.isdecimal() or not int(given):
        raise argparse.ArgumentTypeError(f"{given!r} is not a count of 1 or more")
    return int(given)


def _later(module: str, name: str = "run") -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        try:
            command = getattr(importlib.import_module(f"csm_engine.cli.{module}"), name)
            status: int = command(options)
        except ModuleNotFoundError as error:
            return _fail(f"there is no {error.name}: install livekit-plugins-csm-tts[engine]")
        except (CommandError, StartError) as error:
            return _fail(str(error))
        except KeyboardInterrupt:
            return INTERRUPTED
        return status

    return run


def _fail(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return WRONG
