"""Scenarios of the suite as real calls: one stack for all, two calls at once.

Their checks are of words, tools and how a call ends: what a slow machine does to its times is
bench/manners.py's to tell.
"""

import os

import pytest

from parley.rehearse.command import PERSONAS, SUITE
from parley.rehearse.over_sip import rehearse
from parley.rehearse.results import Result
from parley.rehearse.scenario import load

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CALLED = (
    "goodbye_by_agent",
    "greeted_by_name",
    "interrupted_after_seconds",
    "backchannel_to_hours",
    "cough",
    "silence_is_asked_about",
    "unheard_turn",
    "takes_a_message",
    "transfer_is_refused",
    "digits_by_keypad",
)


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    scenarios = [load(SUITE / f"{name}.yaml") for name in CALLED]
    nobodys = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    report = rehearse(scenarios, PERSONAS, nobodys)
    return {result.scenario: result for result in report.results}


@pytest.mark.parametrize("name", CALLED)
def test_a_scenario_holds_as_a_real_call(results: dict[str, Result], name: str) -> None:
    result = results[name]
    assert result.status == "passed", "\n".join([result.why or "", *result.transcript])
