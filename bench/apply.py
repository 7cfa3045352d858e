"""How long `parley sip apply` takes for all that a line can ask of Twilio: `python -m bench.apply`.

Against Twilio in memory, which checks each request and answer by Twilio's own OpenAPI description: the
time of the network is not in it. Each round makes everything in an empty account.
"""

import argparse
import asyncio
import time
from pathlib import Path
from statistics import median

from bench.record import RESULTS, started, write
from sip.twilio_side import TwilioSide
from tests.sip.twilio.lines import NUMBER, SECOND, do, side, whole_line
from tests.sip.twilio.mock import MockTwilio

TARGET = 2.0
"""Seconds."""


async def _applied(own: TwilioSide) -> int:
    return len(await do(await own.plan()))


def once() -> tuple[float, int]:
    """Seconds of plan and apply, and how many objects were made or changed."""
    twilio = MockTwilio()
    for number in (NUMBER, SECOND):
        twilio.owns(number)
    began = time.perf_counter()
    done = asyncio.run(_applied(side(whole_line(), twilio)))
    return time.perf_counter() - began, done


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = options.parse_args()
    facts = started()
    once()  # reads Twilio's description, which takes longer than all the rest
    rounds = [once() for _ in range(given.rounds)]
    seconds = [each for each, _ in rounds]
    page = [
        "# Apply",
        f"Plan and apply of {rounds[0][1]} objects of a whole line, each request and answer checked "
        f"against Twilio's OpenAPI: median {median(seconds):.3f} s, longest {max(seconds):.3f} s "
        f"of {len(seconds)} (≤ {TARGET:g} s).",
    ]
    body = {"objects": rounds[0][1], "seconds": [round(each, 3) for each in seconds]}
    text, _ = write("apply", facts, page, body, given.out)
    print(text)
    return 0 if max(seconds) <= TARGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
