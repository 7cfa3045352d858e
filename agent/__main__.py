"""`python -m agent start|dev|console`: the framework's command line over our worker."""

import sys

from agent import forking


def main() -> None:
    if sys.argv[1:2] == ["start"]:
        forking.begin()
    from livekit.agents import cli  # noqa: PLC0415  # seconds, in which the other process begins

    from agent.worker import server  # noqa: PLC0415

    cli.run_app(server)


if __name__ == "__main__":
    main()
