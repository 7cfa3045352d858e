"""From calls to figures, and from processor time to cores."""

import pytest

from parley.load.busy import cores
from parley.load.figures import Figures
from tests.parley.load.calls import call, turn, unanswered


def test_figures_are_of_the_calls_that_were_made() -> None:
    broken = call(turn(None), answer=0.6).model_copy(update={"broke": True})
    made = [call(turn(0.5, 0.2), turn(1.5), gaps=3), broken, unanswered(), unanswered()]
    found = Figures.of(3, made, {"worker": 0.512}, barges_in=True)
    assert (found.calls, found.made, found.turns) == (3, 4, 3)
    assert found.setup_rate == 0.5
    assert found.answer_p95 == pytest.approx(0.59)
    assert (found.first_sound_p50, found.barge_in_p95) == (1.0, 0.2)
    assert found.gaps_per_minute == 6.0
    assert found.failures == pytest.approx(2 / 5)
    assert found.talk == pytest.approx(1 / 3, abs=0.001)
    assert found.cores == {"worker": 0.51}
    assert found.why == (
        "the agent left the call",
        "no reply",
        "not answered: SIP/2.0 486 Busy Here",
    )


def test_where_nobody_is_answered_there_is_nothing_to_measure() -> None:
    found = Figures.of(1, [unanswered()], {}, barges_in=False)
    assert (found.setup_rate, found.failures, found.talk) == (0.0, 0.0, 0.0)
    assert found.answer_p95 is None
    assert found.gaps_per_minute is None


def test_cores_are_processor_time_by_time_of_processes_that_are_there() -> None:
    before = {"worker": {1: 10.0, 2: 5.0}, "csm": {3: 1.0}}
    after = {"worker": {1: 14.0, 4: 2.0}, "csm": {}}
    assert cores(before, after, 4.0) == {"worker": 1.5, "csm": 0.0}
