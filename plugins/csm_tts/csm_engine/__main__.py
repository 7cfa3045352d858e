"""`python -m csm_engine serve|speak|bench|voice|doctor`."""

import argparse
import sys

from csm_engine.cli.commands import add_parsers
from csm_engine.config import Settings
from csm_engine.protocol import MAX_MESSAGE_BYTES
from csm_engine.server import make_model, make_service
from parley_serving import StartError, build_app, load_settings, serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="csm_engine", description="Speech for Parley.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    served = commands.add_parser(
        "serve", help="Serve until SIGTERM. Settings come from the environment: CSM_…"
    )
    served.set_defaults(run=_serve)
    add_parsers(commands)
    options = parser.parse_args()
    sys.exit(options.run(options))


def _serve(_: argparse.Namespace) -> int:
    settings = load_settings(Settings)
    try:
        model = make_model(settings)
    except StartError as error:
        sys.stderr.write(f"cannot start: {error}\n")
        return 2
    service = make_service(model, settings)
    serve(build_app(service), service.gate, settings.listen, max_message=MAX_MESSAGE_BYTES)
    return 0


if __name__ == "__main__":
    main()
