"""Calls from beginning to end: prepare what is said, dial, converse, listen in, measure."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from sip.simulate.assess import assess
from sip.simulate.caller import CallFailedError, Dial, call
from sip.simulate.conversation import Turn, converse
from sip.simulate.line import Line
from sip.simulate.observer import overhearing
from sip.simulate.report import CallReport
from sip.simulate.script import TurnScript
from sip.simulate.stack import Stack
from sip.simulate.timeline import Recording


@dataclass(frozen=True)
class Called:
    """A finished call: what is reported of it and, when it was answered, its sound."""

    report: CallReport
    recording: Recording | None = None


async def simulate(
    stack: Stack, *, to: str, turns: Sequence[TurnScript], calls: int = 1, dial: Dial = call
) -> list[Called]:
    """`calls` calls at once to `to`, each taking `turns`.

    Raises SpeechError when a turn cannot be spoken; a call that fails is a `Called` that says so.
    """
    ready = [await Turn.of(turn) for turn in turns]
    # Each call has a number of its own, for that is how its room is told from the others.
    numbers = [f"+1555019{tail:04}" for tail in random.sample(range(10_000), calls)]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_one(stack, dial(stack, to=to, from_=number), number, ready))
            for number in numbers
        ]
    return [task.result() for task in tasks]


async def _one(
    stack: Stack,
    dialling: AbstractAsyncContextManager[Line],
    from_: str,
    turns: Sequence[Turn],
) -> Called:
    async with overhearing(stack, from_) as overheard:
        try:
            async with dialling as line:
                taken = await converse(line, turns)
                end = line.now()
        except CallFailedError as error:
            return Called(CallReport(answered=False, failure=str(error)))
    recording = line.recording(end)
    report = await asyncio.to_thread(assess, recording, turns, taken, overheard, line.answered_at)
    return Called(report, recording)
