"""What several commands ask in the same way."""

import argparse
from typing import TypeAlias

from whisper_engine.config import Settings

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

MODEL = "base.en"


def add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", default=MODEL, help=f"a name, a hub id or a folder (default: {MODEL})"
    )
    add_device_options(parser)


def add_device_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--compute-type",
        metavar="TYPE",
        help="CTranslate2's numbers (default: int8 on a CPU, float16 on a GPU)",
    )


def settings_of(options: argparse.Namespace) -> Settings:
    """The engine's, with what the command says in place of the environment's."""
    return Settings(model=options.model, device=options.device, compute_type=options.compute_type)
