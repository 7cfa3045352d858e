import numpy as np
import pytest

from sip.simulate.hearing import Ear, levels, spells
from sip.simulate.measure import Spread, Window, gaps, timings
from sip.simulate.speech import RATE
from tests.sip.sounds import babble, laid, silence, tone

HOP = pytest.approx(0.0, abs=0.011)
"""Ten milliseconds: what a level is made of."""


def test_levels_are_dbfs_every_5_ms() -> None:
    level = levels(tone(1.0, level=-20))
    assert level.size == 199
    assert level == pytest.approx(np.full(199, -20.0), abs=0.5)
    assert levels(np.zeros(RATE, dtype=np.int16)).max() == pytest.approx(-100.0)
    assert levels(tone(0.005)).size == 0


def test_speech_is_found_where_it_starts_and_ends() -> None:
    (spell,) = spells(levels(laid(3.0, (0.8, tone(1.1)))))
    assert spell.start - 0.8 == HOP
    assert spell.end - 1.9 == HOP


def test_a_short_pause_belongs_to_speech_and_a_long_one_parts_it() -> None:
    line = laid(4.0, (0.5, tone(0.5)), (1.15, tone(0.5)), (2.0, tone(0.5)))
    assert len(spells(levels(line), pause=0.2)) == 2
    assert len(spells(levels(line), pause=0.1)) == 3


def test_a_click_is_not_speech() -> None:
    assert spells(levels(laid(1.0, (0.5, tone(0.02))))) == []


def test_the_live_ear_agrees_with_the_recording() -> None:
    line = laid(3.0, (0.5, tone(0.02)), (1.0, tone(0.8)))
    ear = Ear()
    for index, frame in enumerate(line.reshape(-1, 80)):
        ear.feed(index / 100, frame)
    assert ear.began is not None
    assert ear.began - 1.0 == HOP
    assert ear.quiet_for(3.0) - 1.2 == HOP


def test_the_live_ear_tells_a_second_speech_from_the_first() -> None:
    ear = Ear()
    assert ear.quiet_for(1.0) == float("inf")
    for index, frame in enumerate(
        laid(4.0, (0.5, tone(0.5)), (1.1, tone(0.4)), (2.5, tone(0.5))).reshape(-1, 80)
    ):
        ear.feed(index / 100, frame)
        if index == 200:
            assert ear.began is not None
            assert ear.began - 0.5 == HOP
    assert ear.began is not None
    assert ear.began - 2.5 == HOP


def test_a_reply_is_timed_from_the_caller_s_last_sound_to_the_agent_s_first() -> None:
    caller = laid(8.0, (2.0, tone(1.0)), (5.0, tone(0.5)))
    agent = laid(8.0, (0.3, tone(1.0)), (3.7, tone(0.6)), (6.4, tone(1.0)))
    first, second = timings(caller, agent, [Window(1.9, 3.1), Window(4.9, 5.6)])
    assert first.reply is not None
    assert second.reply is not None
    assert first.reply - 0.7 == HOP
    assert second.reply - 0.9 == HOP
    assert (first.silence, second.silence) == (None, None)


def test_a_turn_that_nobody_answers_has_no_reply() -> None:
    caller = laid(8.0, (2.0, tone(1.0)), (5.0, tone(0.5)))
    agent = laid(8.0, (0.3, tone(1.0)), (6.4, tone(1.0)))
    first, second = timings(caller, agent, [Window(1.9, 3.1), Window(4.9, 5.6)])
    assert first.reply is None
    assert second.reply is not None


def test_a_turn_that_was_never_heard_has_no_times() -> None:
    (timing,) = timings(silence(3.0), laid(3.0, (1.0, tone(1.0))), [Window(0.5, 0.9)])
    assert timing.reply is None


def test_an_agent_that_cuts_in_has_a_negative_reply() -> None:
    caller, agent = laid(5.0, (1.0, tone(2.0))), laid(5.0, (2.5, tone(1.5)))
    (timing,) = timings(caller, agent, [Window(0.9, 3.1)])
    assert timing.reply is not None
    assert timing.reply + 0.5 == HOP


def test_barge_in_is_timed_to_the_agent_s_silence_and_the_reply_after_it() -> None:
    caller = laid(8.0, (2.0, tone(1.5)))
    agent = laid(8.0, (0.5, babble(2.3)), (4.2, tone(1.0)))
    (timing,) = timings(caller, agent, [Window(1.9, 3.6, over_agent=True)])
    assert timing.silence is not None
    assert timing.reply is not None
    assert timing.silence - 0.8 == HOP
    assert timing.reply - 0.7 == HOP


def test_an_agent_that_goes_on_after_a_pause_was_not_silent() -> None:
    caller = laid(8.0, (2.0, tone(1.5)))
    agent = laid(8.0, (0.5, tone(2.0)), (2.9, tone(0.4)))
    (timing,) = timings(caller, agent, [Window(1.9, 3.6, over_agent=True)])
    assert timing.silence is not None
    assert timing.silence - 1.3 == HOP


def test_an_agent_20_db_down_is_silent() -> None:
    caller = laid(6.0, (2.0, tone(1.0)))
    agent = laid(6.0, (0.5, tone(2.0, level=-12)), (2.5, tone(1.0, level=-38)))
    (timing,) = timings(caller, agent, [Window(1.9, 3.1, over_agent=True)])
    assert timing.silence is not None
    assert timing.silence - 0.5 == HOP


def test_nobody_was_interrupted_who_was_not_speaking() -> None:
    caller, agent = laid(6.0, (2.0, tone(1.0))), laid(6.0, (0.2, tone(1.0)))
    (timing,) = timings(caller, agent, [Window(1.9, 3.1, over_agent=True)])
    assert timing.silence is None


@pytest.mark.parametrize("lag", [0.0, 0.18, 0.6])
def test_sound_that_arrives_whole_has_no_gap(lag: float) -> None:
    speech = babble(4.0)
    assert gaps(laid(8.0, (1.0, speech)), laid(8.0, (1.0 + lag, speech))) == []


@pytest.mark.parametrize(("hole", "found"), [(0.04, 0), (0.09, 1), (0.5, 1)])
def test_a_hole_in_what_arrives_is_a_gap_from_60_ms_on(hole: float, found: int) -> None:
    speech = babble(4.0, seed=3)
    broken = laid(8.0, (1.2, speech))
    first = round(2.9 * RATE)
    broken[first : first + round(hole * RATE)] = 0
    missing = gaps(laid(8.0, (1.0, speech)), broken)
    assert len(missing) == found
    for gap in missing:
        assert gap.start - 2.9 == pytest.approx(0, abs=0.03)
        assert gap.end - gap.start == pytest.approx(hole, abs=0.03)


def test_a_pause_of_the_speaker_is_not_a_gap() -> None:
    speech = np.concatenate([babble(1.5), silence(0.3), babble(1.5, seed=2)])
    assert gaps(laid(8.0, (1.0, speech)), laid(8.0, (1.2, speech))) == []


def test_sound_that_shifts_on_its_way_is_followed() -> None:
    """A jitter buffer that grows by 40 ms in a pause makes no gap."""
    first, second = babble(2.0), babble(2.0, seed=5)
    sent = laid(9.0, (1.0, first), (3.1, second))
    heard = laid(9.0, (1.2, first), (3.34, second))
    assert gaps(sent, heard) == []


def test_speech_that_never_arrives_is_one_gap() -> None:
    (gap,) = gaps(laid(5.0, (1.0, tone(1.0))), silence(5.0))
    assert gap.end - gap.start == pytest.approx(1.0, abs=0.03)


def test_no_recording_has_no_gaps() -> None:
    nothing = np.zeros(0, dtype=np.int16)
    assert gaps(nothing, silence(1.0)) == []
    assert gaps(babble(1.0), nothing) == []


def test_percentiles() -> None:
    assert Spread.of([]) == Spread(None, None)
    assert Spread.of([0.5]) == Spread(0.5, 0.5)
    spread = Spread.of([index / 100 for index in range(101)])
    assert spread.p50 == pytest.approx(0.5)
    assert spread.p95 == pytest.approx(0.95)
