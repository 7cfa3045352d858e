"""What of a scenario a real call can do, and what is made of its report."""

import pytest
from pydantic import SecretStr

from parley.phrases import collect_phrases
from parley.rehearse.check import Check, failure
from parley.rehearse.command import PERSONAS, SUITE
from parley.rehearse.over_sip import HEARD, recorded, rehearse, unplayable
from parley.rehearse.scenario import Scenario, load_all
from parley.settings import ROOT
from sip.simulate.report import CallReport, TurnReport
from sip.simulate.stack import Stack


def scenario(*turns: dict[str, object], **more: object) -> Scenario:
    base = {"name": "s", "goal": "g", "plays": "receptionist", "checks": [{"contains": ["a"]}]}
    return Scenario.model_validate({**base, "turns": turns, **more})


HELLO: dict[str, object] = {"say": "hello"}


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (scenario(HELLO), None),
        (scenario(HELLO, {"interrupt": "stop", "after": 2.0}), None),
        (scenario(HELLO, {"interrupt": "stop", "at_word": "x"}), "turn 2: at_word"),
        (scenario({"interrupt": "stop", "after": 1.0}), "turn 1: speaking over the greeting"),
        (scenario(HELLO, {"backchannel": "mm", "after": 1.0}), "turn 2: backchannel"),
        (scenario({"silence": 2.0}), "turn 1: silence"),
        (scenario({"say": "well", "trails_off": True}), "turn 1: trails_off"),
        (scenario(HELLO, persona="clerk"), "who answers is receptionist, not clerk"),
        (scenario(HELLO, **{"with": {"greeting": "Hi."}}), "it has its own with"),
        (scenario(HELLO, noise_bed={"every": 1, "seconds": 1}), "it has its own noise_bed"),
    ],
)
def test_what_a_call_cannot_do_is_named(wanted: Scenario, why: str | None) -> None:
    assert unplayable(wanted, "receptionist") == why


REPORT = CallReport(
    answered=True,
    greeting="Good day.",
    turns=(
        TurnReport(said="when", heard="when", reply="At nine.", reply_s=0.9),
        TurnReport(said="where", heard="where", reply=None, reply_s=None),
    ),
)


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        (Check(contains=("nine",), reply=1), True),
        (Check(contains=("good day",)), True),
        (Check(contains=("good day",), reply=1), False),
        (Check(within=1.0, reply=1), True),
        (Check(within=0.8, reply=1), False),
        (Check(within=9.0, reply=2), False),
        (Check(never_says=("nine",)), False),
        (Check(heard_all_of="good day at nine"), True),
    ],
)
def test_a_report_answers_the_checks_that_an_ear_can_make(check: Check, *, holds: bool) -> None:
    assert check.kind in HEARD
    assert (failure(check, recorded(REPORT)) is None) == holds


def nowhere() -> Stack:
    return Stack(
        livekit_url="ws://127.0.0.1:9",
        api_key="key",
        api_secret=SecretStr("s" * 32),
        sip_host="127.0.0.1",
        sip_port=9,
        sip_username="caller",
        sip_password=SecretStr("p" * 12),
    )


def test_a_call_that_nobody_answers_has_failed() -> None:
    result = rehearse(scenario(HELLO), nowhere(), "+15550100", "receptionist")
    assert result.status == "failed"
    assert (result.why or "").startswith("the call: ")


def test_what_a_call_cannot_do_is_skipped_before_anything_is_dialled() -> None:
    result = rehearse(scenario({"silence": 2.0}), nowhere(), "+15550100", "receptionist")
    assert (result.status, result.why) == ("skipped", "needs text mode: turn 1: silence")


CALLED = [
    each
    for each in load_all([SUITE])
    if not each.needs and unplayable(each, "receptionist") is None
]


def test_ten_scenarios_of_the_suite_can_be_called() -> None:
    assert len(CALLED) >= 10


def test_rehearsal_ears_know_what_callers_of_the_suite_say() -> None:
    known = set(collect_phrases(PERSONAS / "scripts", ROOT / "tests/e2e/calls"))
    assert {turn.words for each in CALLED for turn in each.turns} <= known
