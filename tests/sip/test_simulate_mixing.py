"""What sounds beneath a caller's words, and when the agent's words were told."""

import numpy as np

from sip.simulate.line import ECHO_DELAY, FRAME, Line
from sip.simulate.mixing import Under, mixed, quieter
from sip.simulate.noises import clatter
from sip.simulate.observer import Words
from sip.simulate.speech import RATE, Samples


def steady(value: int, frames: int = 1) -> Samples:
    return np.full(frames * FRAME, value, dtype=np.int16)


def test_two_sounds_played_at_once_add_up() -> None:
    under = Under()
    under.play(steady(100, 2))
    under.play(steady(50))
    assert [int(under.take(FRAME)[0]) for _ in range(3)] == [150, 100, 0]


def test_what_is_appended_waits_and_is_delayed_only_where_nothing_waits() -> None:
    under = Under()
    under.append(steady(1), delay=2 * FRAME / RATE)
    under.append(steady(2), delay=2 * FRAME / RATE)
    assert [int(under.take(FRAME)[0]) for _ in range(5)] == [0, 0, 1, 2, 0]


def test_a_sum_beyond_the_range_is_clipped() -> None:
    loud = mixed(steady(30_000), steady(30_000).astype(np.int32))
    assert loud.max() == 32_767


def test_twenty_decibels_are_a_tenth() -> None:
    assert quieter(steady(1000), 20.0)[0] == 100


def test_an_open_line_gives_the_agents_sound_back_later_and_quieter() -> None:
    line = Line(dialled_at=0.0)
    line.echoes_until = 1.0
    line.hear(0.5, steady(10_000))
    sent = np.concatenate([line.next_frame() for _ in range(round((ECHO_DELAY + 0.1) * 50))])
    [first] = np.flatnonzero(sent)[:1]
    assert first == round(ECHO_DELAY * RATE)
    assert 500 < sent[first] < 600  # 25 dB


def test_a_closed_line_gives_nothing_back() -> None:
    line = Line(dialled_at=0.0)
    line.hear(0.5, steady(10_000))
    assert not any(line.next_frame().any() for _ in range(50))


def test_a_clatter_is_as_long_as_asked_and_never_twice_the_same() -> None:
    one, two = clatter(0.25, 1), clatter(0.25, 2)
    assert one.size == two.size == RATE // 4
    assert (one != two).any()


def test_words_are_told_when_they_are_whole() -> None:
    words = Words(1.0, "Good day, how", [(1.0, 3), (1.2, 9), (1.4, 13)])
    assert list(words.timed()) == [(1.2, "Good"), (1.4, "day,")]
    words.whole = True
    assert list(words.timed())[-1] == (1.4, "how")
