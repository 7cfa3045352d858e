"""How far a stream's sound is ahead of the ear, and when the ear has to wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csm_engine.scheduling.playout import Playout


def test_sound_plays_from_when_the_first_of_it_was_sent() -> None:
    playout = Playout()
    playout.expect(10.0)
    assert playout.silent
    playout.sent(0.08, 10.0)
    playout.sent(0.32, 10.02)
    assert not playout.silent
    assert playout.ahead(10.1) == pytest.approx(0.3)
    assert playout.underruns == 0


def test_a_gap_in_speech_is_an_underrun_and_shifts_what_follows() -> None:
    playout = Playout()
    playout.sent(0.08, 0.0)
    assert playout.ahead(0.1) == pytest.approx(-0.02)
    playout.sent(0.08, 0.1)
    assert playout.underruns == 1
    assert playout.starved == pytest.approx(0.02)
    assert playout.ahead(0.1) == pytest.approx(0.08)


def test_a_silence_that_had_nothing_to_say_is_none() -> None:
    playout = Playout()
    playout.sent(0.08, 0.0)
    playout.rest()
    playout.expect(5.0)
    assert playout.silent
    playout.sent(0.08, 5.1)
    assert playout.underruns == 0


def test_a_sentence_that_was_there_in_time_may_not_come_late() -> None:
    playout = Playout()
    playout.sent(1.0, 0.0)
    playout.rest()
    playout.expect(0.5)
    assert playout.ahead(0.5) == pytest.approx(0.5)
    playout.sent(0.08, 1.2)
    assert playout.underruns == 1


def test_a_line_that_was_cut_begins_anew() -> None:
    playout = Playout()
    playout.sent(3.0, 0.0)
    playout.cut()
    assert playout.silent
    playout.expect(1.0)
    playout.sent(0.08, 9.0)
    assert playout.underruns == 0
    assert playout.ahead(9.0) == pytest.approx(0.08)


@given(st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 4)), min_size=1, max_size=50))
def test_what_is_not_ahead_was_heard_or_waited_for(chunks: list[tuple[float, int]]) -> None:
    playout, now = Playout(), 0.0
    for gap, frames in chunks:
        now += gap
        playout.sent(0.08 * frames, now)
    sent = sum(0.08 * frames for _, frames in chunks)
    since = sum(gap for gap, _ in chunks[1:])
    assert playout.ahead(now) == pytest.approx(sent - since + playout.starved, abs=1e-4)
