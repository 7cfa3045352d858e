"""Two callers of a load on real parts: plain SIP and RTP, by a process of their own."""

import pytest

from parley.load.callers import Callers
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
    assert Step.of(figures, Slo(setup_rate=1.0)).carried, figures.why
    assert figures.made == 2
    assert figures.first_sound_p50 is not None
    assert figures.gaps_per_minute is not None
    assert 0 < figures.talk < 0.7
    assert set(figures.cores) == {*pids, "callers"}
    assert figures.cores["worker"] > 0
    await switchboard.until_idle()
