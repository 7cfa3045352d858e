"""Both sides on one time line."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.recording.tape import AGENT, CALLER, Samples, Tape

RATE = 100


def ones(seconds: float, value: int = 1) -> Samples:
    return np.full(round(seconds * RATE), value, np.int16)


def test_each_side_is_heard_where_it_was_put() -> None:
    tape = Tape(10.0, RATE)
    tape.put(CALLER, 11.0, ones(1.0, 5))
    tape.put(AGENT, 11.5, ones(1.0, 7))
    heard = tape.take(13.0)
    assert heard.shape == (300, 2)
    assert list(np.flatnonzero(heard[:, 0])) == list(range(100, 200))
    assert list(np.flatnonzero(heard[:, 1])) == list(range(150, 250))


def test_uneven_arrivals_of_one_stream_leave_no_hole_and_a_real_pause_stays() -> None:
    tape = Tape(0.0, RATE)
    for late, at in ((0.0, 0.0), (0.06, 0.2), (-0.05, 0.4), (0.0, 1.0)):
        tape.put(CALLER, at + late, ones(0.2))
    heard = tape.take(1.5)[:, 0]
    assert heard[:60].all()
    assert not heard[60:100].any()
    assert heard[100:120].all()


def test_what_was_dropped_is_silence_and_what_was_heard_stays() -> None:
    tape = Tape(0.0, RATE)
    tape.put(AGENT, 0.0, ones(2.0))
    assert tape.take(0.5)[:, 1].all()
    tape.cut(AGENT, 1.2)
    tape.put(AGENT, 1.5, ones(0.2, 3))
    heard = tape.take(2.0)[:, 1]
    assert heard[:70].all()
    assert not heard[70:100].any()
    assert (heard[100:120] == 3).all()


def test_a_sound_before_the_tape_began_is_at_its_start() -> None:
    tape = Tape(10.0, RATE)
    tape.put(CALLER, 9.9, ones(0.2))
    assert tape.take(10.5)[:20, 0].all()


PIECES = st.lists(
    st.tuples(
        st.sampled_from((CALLER, AGENT)),
        st.integers(0, 400),
        st.integers(1, 80),
        st.integers(-30_000, 30_000),
    ),
    max_size=12,
)


@given(PIECES, st.lists(st.integers(0, 500), max_size=6))
def test_however_it_is_taken_it_is_the_same(
    pieces: list[tuple[int, int, int, int]], cuts: list[int]
) -> None:
    def filled() -> Tape:
        tape = Tape(0.0, RATE)
        for channel, at, length, value in pieces:
            tape.put(channel, at / RATE, np.full(length, value, np.int16))
        return tape

    tape = filled()
    parts = [tape.take(until / RATE) for until in (*sorted(cuts), 600)]
    assert np.array_equal(np.concatenate(parts), filled().take(6.0))
