"""`python -m whisper_engine serve|transcribe|bench|ab`."""

import argparse
import sys

from prometheus_client import CollectorRegistry

from parley_serving import build_app, load_settings, serve
from whisper_engine.cli.commands import add_parsers
from whisper_engine.config import Settings
from whisper_engine.protocol import MAX_MESSAGE_BYTES
from whisper_engine.server import make_model, make_service


def main() -> None:
    parser = argparse.ArgumentParser(prog="whisper_engine", description="Hearing for Parley.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    served = commands.add_parser(
        "serve", help="Serve until SIGTERM. Settings come from the environment: WHISPER_…"
    )
    served.set_defaults(run=_serve)
    add_parsers(commands)
    options = parser.parse_args()
    sys.exit(options.run(options))


def _serve(_: argparse.Namespace) -> int:
    settings = load_settings(Settings)
    registry = CollectorRegistry()
    service = make_service(make_model(settings, registry), settings, registry=registry)
    serve(build_app(service), service.gate, settings.listen, max_message=MAX_MESSAGE_BYTES)
    return 0


if __name__ == "__main__":
    main()
