"""The commands as they are typed."""

import argparse

from csm_engine.cli.commands import add_parsers


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    add_parsers(parser.add_subparsers(required=True, metavar="COMMAND"))
    options = parser.parse_args([str(word) for word in words])
    status: int = options.run(options)
    return status
