"""Calls as they are written down in calls/, over SIP, RTP and G.711, through every part."""

from pathlib import Path

import pytest

from sip.simulate.caller import Dial, call
from sip.simulate.phone import phone_call
from sip.simulate.report import Report
from sip.simulate.run import simulate
from sip.simulate.script import CallScript, TurnScript
from sip.simulate.stack import Stack as Line

HERE = Path(__file__).parent
SCRIPTS = sorted((HERE / "calls").glob("*.yaml"))
NUMBER = "+15550100"

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


async def called(line: Line, *turns: TurnScript, calls: int = 1, dial: Dial = call) -> Report:
    done = await simulate(line, to=NUMBER, turns=turns, calls=calls, dial=dial)
    return Report.of([each.report for each in done])


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
async def test_every_turn_of_the_script_gets_the_reply_it_should(line: Line, path: Path) -> None:
    report = await called(line, *CallScript.load(path).turns)
    assert report.problems == (), report.table()


async def test_an_independent_telephone_is_answered_and_understood(line: Line) -> None:
    turn = TurnScript(say="what are your opening hours", contains=("nine", "six"))
    report = await called(line, turn, dial=phone_call)
    assert report.problems == (), report.table()


async def test_a_human_voice_gets_the_right_answer(line: Line) -> None:
    turn = TurnScript(
        play=HERE.parent / "data" / "audio" / "weather_question.wav", contains=("paris", "sunny")
    )
    report = await called(line, turn)
    assert report.problems == (), report.table()


async def test_three_callers_at_once_are_all_answered(line: Line) -> None:
    turn = TurnScript(say="what is your address", contains=("water", "street"))
    report = await called(line, turn, calls=3)
    assert len(report.turns) == 3
    assert report.problems == (), report.table()


async def test_speech_over_the_agent_silences_it_and_is_answered(line: Line) -> None:
    story = TurnScript(say="tell me a story")
    over = TurnScript(say="what is your address", barge_in=5.0, contains=("water",))
    report = await called(line, story, over)
    assert report.problems == (), report.table()
    assert report.turns[1].barge_in_silence_s is not None
    assert report.gaps_over_60ms == 0
