"""Two callers of a load on real parts: plain SIP and RTP, by a process of their own."""

import pytest

from parley.load.callers import Callers
from parley.load.command import SLO
from parley.load.report import Step
from parley.load.slo import Slo
from sip.simulate.stack import Stack as Line
from tests.e2e.switchboard import Switchboard
from tests.e2e.talk import NUMBER
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

HOLD = 20.0
"""Seconds: the greeting and two turns, or one where the machine is busy."""


async def test_two_callers_talk_and_are_measured(
    parley: Stack, line: Line, switchboard: Switchboard
) -> None:
    pids = {name: parley.pid(name) for name in parley.facts["parts"]}
    callers = Callers(line, NUMBER, pids, every=0.5, hold=HOLD, talk=0.4, overhears=True)
    figures = await callers(2)
    assert figures.made >= 2, figures.why
    assert figures.setup_rate > 0, figures.why
    assert figures.answer_p95 is not None
    assert figures.turns
    assert 0 < figures.talk < 0.7
    # A machine that is too busy answers nothing, and then that is what is measured.
    assert figures.first_sound_p50 is not None or figures.failures > 0
    assert set(figures.cores) == {*pids, "callers"}
    assert figures.cores["worker"] > 0
    verdicts = {each.name for each in Step.of(figures, Slo.read(SLO)).verdicts}
    assert verdicts == {"setup_rate", "answer_p95", "first_sound_p95", "barge_in_p95", "failures"}
    await switchboard.until_idle()
