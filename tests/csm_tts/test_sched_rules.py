"""The scheduler's rules, one by one."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csm_engine.protocol import FRAME_SECONDS
from csm_engine.scheduling.playout import Playout
from csm_engine.scheduling.rows import Limits, State
from csm_engine.scheduling.scheduler import FullError, Scheduler
from csm_engine.scheduling.step_times import FirstValues, StepTimes
from csm_engine.scheduling.ticks import Send, Tick


class Loop:
    """A device whose ticks take what is asked of them."""

    def __init__(self, buckets: tuple[int, ...] = (1, 2, 4, 8), **limits: Any) -> None:
        self.now = 0.0
        self.times = StepTimes(FirstValues(step=0.008, row=1e-3, token=1e-5), buckets)
        self.scheduler = Scheduler(self.times, Limits(**limits))
        self.sends: list[Send] = []

    def submit(self, prompt: int = 10, line: Playout | None = None) -> int:
        return self.scheduler.submit(prompt, line or Playout(), self.now)

    def playing(self, seconds: float) -> int:
        """A sentence on a line that has so much to play, prefilled."""
        line = Playout()
        line.sent(seconds, self.now)
        return self.submit(1, line)

    def tick(self, seconds: float = 0.01, **ends: Any) -> Tick:
        tick = self.scheduler.plan(self.now)
        self.now += seconds
        if not tick.idle:
            self.sends += self.scheduler.done(tick, None, self.now, **ends).sends
        return tick


@given(st.lists(st.floats(0.2, 1.4), min_size=1, max_size=20, unique=True))
def test_who_runs_dry_the_soonest_goes_first(leads: list[float]) -> None:
    loop = Loop(prefill=512)
    rows = {loop.playing(lead): lead for lead in leads}
    tick = loop.tick()
    assert list(tick.rows) == sorted(rows, key=rows.__getitem__)[:8]


def test_those_who_have_heard_nothing_go_before() -> None:
    loop = Loop(buckets=(1, 2))
    late, later = loop.playing(0.05), loop.playing(0.06)
    new = loop.submit()
    assert loop.tick().rows == (new, late)
    assert later in loop.tick().rows


def test_but_not_before_those_who_have_run_dry_for_long() -> None:
    loop = Loop(buckets=(1,))
    speaking = loop.playing(0.08)
    loop.now = 0.09
    waited = 0.0
    for _ in range(40):  # as many newcomers as the device has room for, without an end
        loop.submit()
        if loop.tick(0.05).rows == (speaking,):
            break
        waited += 0.05
    assert waited < 0.6


def test_first_frames_may_go_alone_twice() -> None:
    loop = Loop()
    speaking = {loop.playing(1.0) for _ in range(7)}
    loop.tick()
    small = []
    for _ in range(2):
        new = loop.submit()
        small.append(loop.tick())
        assert (small[-1].rows, small[-1].bucket) == ((new,), 1)
    new = loop.submit()
    assert speaking < {*loop.tick().rows, *loop.tick().rows}


def test_first_frames_do_not_go_alone_when_another_would_run_dry() -> None:
    loop = Loop()
    speaking = [loop.playing(0.022) for _ in range(6)]
    new = loop.submit()
    assert set(loop.tick().rows) == {new, *speaking}


def test_prompts_are_prefilled_in_pieces_that_leave_time_for_frames() -> None:
    loop = Loop(prefill=512, least_prefill=64)
    long = loop.submit(1000)
    assert loop.scheduler.state(long) is State.WAITING
    assert [(p.start, p.tokens, p.last) for p in loop.tick().prefills] == [(0, 512, False)]
    assert loop.scheduler.state(long) is State.PREFILLING
    line = Playout()
    line.sent(0.02, loop.now)
    speaking = loop.submit(1, line)
    tick = loop.tick()
    assert speaking in tick.rows
    assert 64 <= tick.tokens < 512
    while loop.scheduler.state(long) is State.PREFILLING:
        assert loop.tick().tokens >= 64
    assert loop.scheduler.state(long) is State.SPEAKING


def test_chunks_grow() -> None:
    loop = Loop()
    row = loop.submit()
    for _ in range(16):
        loop.tick()
    assert loop.sends == [Send(row, frames) for frames in (1, 1, 2, 4, 4, 4)]


def test_a_slow_device_sends_what_it_has() -> None:
    loop = Loop()
    loop.submit()
    for _ in range(10):
        loop.tick(0.07)
    assert all(send.frames <= 2 for send in loop.sends)


def test_a_row_is_paused_far_ahead_and_resumed_a_band_below() -> None:
    loop = Loop(pause=2.0, resume=1.5)
    line = Playout()
    row = loop.submit(1, line)
    changes, paused, frames = [], False, 0
    for _ in range(3000):
        tick = loop.tick(0.002)
        frames += row in tick.rows
        if (loop.scheduler.state(row) is State.PAUSED) != paused:
            paused = not paused
            changes.append(loop.now)
    assert loop.scheduler.state(row) is not None
    gaps = [later - earlier for earlier, later in pairwise(changes)]
    assert len(gaps) > 10
    assert min(gaps[::2]) > 0.45  # paused until half a second was played
    assert frames * FRAME_SECONDS == pytest.approx(loop.now + 1.75, abs=0.35)


def test_an_idle_tick_says_when_there_is_work() -> None:
    loop = Loop()
    assert loop.tick().wake_at is None
    loop.playing(2.5)
    loop.tick()  # its prompt
    tick = loop.scheduler.plan(loop.now)
    assert tick.idle
    assert tick.wake_at == pytest.approx(loop.now + 0.99)
    loop.now = 1.011
    assert loop.tick().rows


def test_paused_rows_join_a_tick_in_which_nobody_hurries() -> None:
    loop = Loop()
    ahead = loop.playing(2.1)
    loop.tick()
    loop.now = 0.3
    calm = loop.playing(1.0)
    assert set(loop.tick().rows) == {calm, ahead}
    hurried = loop.playing(0.1)
    assert set(loop.tick().rows) == {calm, hurried}


def test_a_cancel_takes_effect_at_the_next_tick() -> None:
    loop = Loop()
    line = Playout()
    row, other = loop.submit(10, line), loop.submit()
    tick = loop.scheduler.plan(loop.now)
    assert tick.rows == (row, other)
    assert loop.scheduler.cancel(row)
    assert not loop.scheduler.cancel(row)
    assert line.silent
    after = loop.scheduler.plan(loop.now)
    assert after.rows == (other,)
    assert loop.scheduler.done(tick, 0.01, 0.01).kept == (other,)
    assert loop.scheduler.state(row) is None
    assert loop.scheduler.end(row, 0.01) is None


def test_the_frame_after_the_end_is_dropped() -> None:
    loop = Loop()
    row = loop.submit()
    first, overrun = loop.scheduler.plan(0.0), loop.scheduler.plan(0.0)
    assert overrun.rows == (row,)
    outcome = loop.scheduler.done(first, 0.01, 0.01, ended={row})
    assert (outcome.kept, outcome.sends) == ((), (Send(row, 0, last=True),))
    outcome = loop.scheduler.done(overrun, 0.01, 0.02)
    assert (outcome.kept, outcome.sends) == ((), ())


def test_a_skipped_frame_is_not_sent_and_leaves_the_row_first() -> None:
    loop = Loop(buckets=(1,))
    row, _ = loop.submit(), loop.submit()
    assert loop.tick(skipped={row}).rows == (row,)
    assert loop.sends == []
    assert loop.tick().rows == (row,)
    assert loop.sends == [Send(row, 1)]


def test_a_further_sentence_continues_its_line() -> None:
    loop = Loop()
    line = Playout()
    row = loop.submit(10, line)
    with pytest.raises(ValueError, match="has not ended"):
        loop.submit(10, line)
    for _ in range(5):
        loop.tick()
    assert loop.scheduler.end(row, loop.now) == Send(row, 1, last=True)
    ahead = line.ahead(loop.now)
    further = loop.submit(10, line)
    assert further > row
    loop.tick()
    assert line.ahead(loop.now) == pytest.approx(ahead - 0.01 + FRAME_SECONDS)
    assert line.underruns == 0


def test_what_may_not_be_asked() -> None:
    loop = Loop(rows=2)
    with pytest.raises(ValueError, match="at least one token"):
        loop.submit(0)
    loop.submit()
    loop.submit()
    with pytest.raises(FullError, match="try again later"):
        loop.submit()
    first, second = loop.scheduler.plan(0.0), loop.scheduler.plan(0.0)
    with pytest.raises(RuntimeError, match="report a tick done"):
        loop.scheduler.plan(0.0)
    with pytest.raises(ValueError, match="not the oldest"):
        loop.scheduler.done(second, 0.01, 0.1)
    loop.scheduler.done(first, 0.01, 0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": 0},
        {"in_flight": 0},
        {"small_ticks": -1},
        {"prefill": 32},
        {"resume": 2.0},
        {"ramp": ()},
        {"ramp": (1, 0)},
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|needs"):
        Limits(**wrong)


def test_newcomers_do_not_keep_a_further_sentence_waiting_until_its_line_is_dry() -> None:
    loop = Loop(prefill=64)
    line = Playout()
    line.sent(0.9, 0.0)
    further = loop.submit(60, line)
    while loop.scheduler.state(further) is not State.SPEAKING:
        loop.submit(64)
        loop.submit(64)
        loop.tick(0.03)
    assert line.ahead(loop.now) > 0.4
