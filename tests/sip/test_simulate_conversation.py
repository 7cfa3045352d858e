"""Whole conversations with an agent made of sounds, on a clock that jumps."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np
import pytest

from parley.rehearse.clock import run
from sip.simulate.assess import assess
from sip.simulate.conversation import Taken, Turn, converse
from sip.simulate.line import Line
from sip.simulate.observer import Overheard, Words
from sip.simulate.report import CallReport
from sip.simulate.script import TurnScript
from tests.fakes.sounding_agent import Agent, exchange
from tests.sip.sounds import babble, tone

_BEGINNING = 1_000.0  # where virtual time begins


def turn(seconds: float = 1.0, **script: Any) -> Turn:
    return Turn(TurnScript(say="a tone", **script), "a tone", tone(seconds))


async def held(
    agent: Agent, turns: Sequence[Turn], overheard: Overheard | None = None
) -> tuple[list[Taken], CallReport]:
    line = Line(asyncio.get_running_loop().time())
    line.answered_at = line.dialled_at
    wire = asyncio.create_task(exchange(line, agent))
    taken = await converse(line, turns)
    wire.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await wire
    recording = line.recording(line.now())
    return taken, assess(recording, turns, taken, overheard or Overheard(), line.answered_at)


def on_virtual_time(
    test: Callable[[], Coroutine[Any, Any, None]],
) -> Callable[[], None]:
    def synchronous() -> None:
        run(test())

    synchronous.__name__ = test.__name__
    return synchronous


@on_virtual_time
async def test_the_caller_hears_the_agent_out_and_every_reply_is_timed() -> None:
    taken, report = await held(Agent([babble(3.0), babble(1.0)]), [turn(), turn(0.5)])
    assert [each.over_agent for each in taken] == [False, False]
    assert report.greeting_s == pytest.approx(0.5, abs=0.03)
    assert [each.reply_s for each in report.turns] == pytest.approx([0.6, 0.6], abs=0.03)
    assert report.problems == []
    assert taken[0].start - _BEGINNING == pytest.approx(0.5 + 2.0 + 1.0, abs=0.1)


@on_virtual_time
async def test_the_caller_speaks_over_the_agent_when_told_to() -> None:
    taken, report = await held(Agent([babble(6.0), babble(1.0)]), [turn(), turn(barge_in=2.0)])
    assert [each.over_agent for each in taken] == [False, True]
    second = report.turns[1]
    assert second.barge_in_silence_s == pytest.approx(0.4, abs=0.05)
    assert second.reply_s == pytest.approx(0.6, abs=0.03)


@on_virtual_time
async def test_an_agent_that_finished_first_is_not_interrupted() -> None:
    taken, report = await held(Agent([babble(1.0), babble(1.0)]), [turn(), turn(barge_in=5.0)])
    assert [each.over_agent for each in taken] == [False, False]
    assert report.turns[1].barge_in_silence_s is None


@on_virtual_time
async def test_a_turn_without_reply_is_told_and_the_call_goes_on() -> None:
    silent = np.zeros(0, dtype=np.int16)
    _, report = await held(Agent([silent, babble(1.0)]), [turn(), turn()])
    assert [each.problems for each in report.turns] == [("no reply",), ()]


@on_virtual_time
async def test_turns_after_the_agent_hung_up_are_told() -> None:
    taken, report = await held(Agent([babble(1.0)], hangs_up=True), [turn(), turn(), turn()])
    assert len(taken) == 1
    assert report.turns[0].problems == ()
    assert [each.problems for each in report.turns[1:]] == [("the agent hung up first",)] * 2


@on_virtual_time
async def test_a_reply_must_come_in_time_and_have_its_words() -> None:
    overheard = Overheard(room="call-1", heard=[Words(1_004.0, "a tone")])
    overheard.replies = [Words(1_000.4, "Good day."), Words(1_006.0, "We are open.")]
    turns = [turn(within=0.5, contains=("open", "nine"))]
    _, report = await held(Agent([babble(1.0)]), turns, overheard)
    assert report.greeting == "Good day."
    (only,) = report.turns
    assert (only.heard, only.reply) == ("a tone", "We are open.")
    late, lacking = only.problems
    assert late.startswith("the reply came after 0.6")
    assert lacking == "the reply lacks 'nine': 'We are open.'"


@on_virtual_time
async def test_words_that_could_not_be_overheard_are_not_taken_for_said() -> None:
    _, report = await held(Agent([babble(1.0)]), [turn(contains=("nine",))])
    assert report.turns[0].problems != ()
