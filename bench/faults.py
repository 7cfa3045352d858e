"""How soon there is speech again when a part is killed or hangs in a call: `python -m bench.faults`.

On a stack of its own (`parley up`) with rehearsal models, everything on this machine. In each fault a
plain telephone is in a call; every time is counted from the fault.
"""

import argparse
import asyncio
import logging
import signal
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.record import RESULTS, started, write
from parley.worker import worker_environment
from sip.simulate.script import VOICE
from sip.simulate.speech import spoken
from tests.e2e.talk import QUESTION
from tests.e2e.workers import START, line_with, worker
from tests.faults.scene import (
    Caller,
    Inject,
    all_answer,
    calling,
    hung,
    killed,
    lose_redis_and_its_data,
    next_call,
    worker_notices,
)
from tests.stack import Stack, parley_up

Measure = Callable[[Stack], Awaitable[float]]
Noticed = Callable[[Stack], Awaitable[None]]


def speech_again(inject: Inject) -> Measure:
    """The caller asks as it happens, and hears the apology or the answer."""

    async def measure(stack: Stack) -> float:
        question = await spoken(QUESTION, VOICE)
        async with calling(stack) as caller:
            await caller.is_greeted()
            at = caller.phone.now()
            inject(stack)
            await caller.phone.say(question)
            heard = await caller.hears(at)
            await _is_answered_again(caller)
        return _since(at, heard)

    return measure


async def _is_answered_again(caller: Caller) -> None:
    """Nothing is asked of a part that is still being started."""
    for _ in range(2):
        await caller.agent_is_quiet()
        await caller.is_answered()


def new_call(inject: Inject, until: Noticed | None = None) -> Measure:
    """The next call's first word: it is made when the worker says that it is ready."""

    async def measure(stack: Stack) -> float:
        async with calling(stack) as caller:
            await caller.is_greeted()
            at = caller.phone.now()
            inject(stack)
            if until:
                await until(stack)
            spoke = await next_call(stack)
        return spoke - at

    return measure


async def with_a_second_worker(stack: Stack) -> float:
    environment = worker_environment(stack.environment)
    async with worker(environment, *START, stop=signal.SIGTERM) as second:
        await line_with(second, b"registered worker")
        async with calling(stack) as lost:
            await lost.is_greeted()
            at = lost.phone.now()
            killed("worker")(stack)
            async with calling(stack) as caller:
                spoke = await caller.hears(caller.phone.dialled_at)
    return _since(at, spoke)


def _since(at: float, heard: float | None) -> float:
    if heard is None:
        raise RuntimeError("the agent hung up")
    return heard - at


CASES: Sequence[tuple[str, str, float | None, Measure]] = (
    ("Whisper engine killed", "speech again", 3.0, speech_again(killed("whisper"))),
    ("CSM engine killed", "speech again", 3.0, speech_again(killed("csm"))),
    ("language model killed", "speech again", 3.0, speech_again(killed("scripted"))),
    ("redis killed", "a new call", 10.0, new_call(killed("redis"))),
    ("worker killed, with a second one", "a new call", 2.0, with_a_second_worker),
    (
        "livekit-server killed",
        "a new call",
        None,
        new_call(killed("livekit-server"), worker_notices),
    ),
    ("livekit-sip killed", "a new call", None, new_call(killed("livekit-sip"))),
    ("redis killed, its data lost", "a new call", None, new_call(lose_redis_and_its_data)),
    ("Whisper engine hangs", "speech again", None, speech_again(hung("whisper"))),
    ("CSM engine hangs", "speech again", None, speech_again(hung("csm"))),
    ("language model hangs", "speech again", None, speech_again(hung("scripted"))),
    ("redis hangs", "a new call", None, new_call(hung("redis"))),
    ("livekit-server hangs", "a new call", None, new_call(hung("livekit-server"), worker_notices)),
    ("livekit-sip hangs", "a new call", None, new_call(hung("livekit-sip"))),
    ("worker killed", "a new call", 8.0, new_call(killed("worker"))),
)
"""What happens, what is waited for, seconds that it may take, and how it is measured. Between two
deaths of a part others have theirs: three within a minute end everything."""


async def measure() -> list[dict[str, Any]]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="parley-faults-") as folder:
        async with parley_up(Path(folder)) as stack:
            for fault, until, bound, scene in CASES:
                await all_answer(stack)
                row = {"fault": fault, "until": until, "bound_s": bound}
                rows.append(row | {"seconds": round(await scene(stack), 1)})
                print(rows[-1], flush=True)
    return rows


def missed(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [row["fault"] for row in rows if row["bound_s"] and row["seconds"] > row["bound_s"]]


def page(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    late = missed(rows)
    return [
        "# Faults",
        "From the fault to the agent's sound, at a plain telephone on the same machine; one try each. "
        + (f"Too late: {', '.join(late)}." if late else "All within their bounds."),
        "",
        "| fault | until | bound | measured |",
        "|---|---|---|---|",
        *(
            f"| {row['fault']} | {row['until']} | {_bound(row['bound_s'])} | {row['seconds']:.1f} s |"
            for row in rows
        ),
    ]


def _bound(seconds: float | None) -> str:
    return "" if seconds is None else f"≤ {seconds:g} s"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = options.parse_args()
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    facts = started()
    rows = asyncio.run(measure())
    text, _ = write("faults", facts, page(rows), {"faults": rows}, given.out)
    print(text)
    return 1 if missed(rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
