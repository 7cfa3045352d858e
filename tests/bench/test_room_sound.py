"""Turns are found in the levels that a page saw."""

import pytest

from bench.room_sound import Heard, difference, greeted, replies

HOP = 0.005
CLICKED = 1_000_000.0
Spells = list[tuple[float, float]]


def power(seconds: float, spells: Spells) -> list[float]:
    """Of speech at -20 dBFS."""
    hops = [n * HOP for n in range(round(seconds / HOP))]
    return [0.01 if any(a <= at < b for a, b in spells) else 0.0 for at in hops]


def heard(mine: Spells, theirs: Spells, seconds: float = 30.0) -> Heard:
    at = [CLICKED - 500 + 1000 * HOP * n for n in range(round(seconds / HOP))]
    return Heard(CLICKED, at, power(seconds, mine), power(seconds, theirs))


def test_a_reply_is_from_the_callers_last_sound_to_the_agents_first() -> None:
    call = heard([(6, 7.2), (7.6, 8), (18, 19)], [(2, 5), (8.5, 12), (12.5, 14), (19.7, 24)])
    assert replies(call) == [pytest.approx(0.5, abs=0.01), pytest.approx(0.7, abs=0.01)]


def test_who_was_still_spoken_to_or_never_answered_has_no_reply() -> None:
    assert replies(heard([(4, 6), (12, 13)], [(2, 5), (7, 9)])) == [None, None]


def test_the_greeting_counts_from_the_click() -> None:
    assert greeted(heard([], [(2.5, 4)])) == pytest.approx(2.0, abs=0.01)
    assert greeted(heard([], [])) is None


def test_a_difference_has_a_width() -> None:
    alone = [0.5 + n / 100 for n in range(20)]
    apart, low, high = difference(alone, [each + 0.2 for each in alone])
    assert apart == pytest.approx(0.2)
    assert low < 0.2 < high
    assert low > 0.1
