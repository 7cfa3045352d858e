"""Turns taken on paper, and what is put through the real model for them."""

from pathlib import Path

import numpy as np
import pytest
from livekit.local_inference import EOT

from bench.turns_clips import MU_LAW, Line, a_law, over, recorded
from bench.turns_replay import (
    TODAY,
    Pauses,
    Point,
    Silence,
    cost,
    frontier,
    sweep,
    taken_after,
    told_apart,
)
from bench.turns_score import silences

AUDIO = Path(__file__).parent.parent / "data" / "audio"


@pytest.mark.parametrize(
    ("probability", "answers", "point", "seconds"),
    [
        (0.9, False, Point(0.25, 0.5, 1.5), 0.5),
        (0.25, False, Point(0.25, 0.5, 1.5), 0.5),
        (0.1, False, Point(0.25, 0.5, 1.5), 1.5),
        (0.1, True, Point(0.25, 0.5, 1.5), 0.5),
        (0.9, False, Point(0.25, 0.1, 1.5), 0.4),
    ],
    ids=["likely", "at the threshold", "unlikely", "an answer", "ears"],
)
def test_when_a_turn_is_taken(
    probability: float, answers: bool, point: Point, seconds: float
) -> None:
    silence = Silence("sentence", probability, answers=answers)
    assert taken_after(silence, point) == pytest.approx(seconds)


def test_a_pause_is_spoken_into_only_when_it_outlasts_the_answer_too() -> None:
    pauses = [Silence("um", 0.9, (0.25, 0.45, 0.9))]
    end = Silence("sentence", 0.1)
    found = cost([*pauses, end], TODAY)
    assert (found.taken, found.cut) == pytest.approx((2 / 3, 1 / 3))
    assert (found.waited, found.at_most) == (TODAY.most, TODAY.most)


def test_each_kind_weighs_the_same() -> None:
    long, short = Silence("um", 0.9, (9.0,)), Silence("digits", 0.9, (0.2,))
    end = Silence("sentence", 0.9)
    assert cost([long, short, short, short, end], TODAY).cut == 0.5


def test_longer_waits_cost_time_and_save_pauses() -> None:
    clips = [
        Silence("um", 0.1, Pauses(0.6).lengths()),
        Silence("sentence", 0.1),
        Silence("sentence", 0.9),
    ]
    costs = sweep(clips, [0.25], [0.3], [0.2, 0.5, 1.0])
    assert [point.most for point in costs] == [0.5, 1.0]
    short, long = costs.values()
    assert short.waited < long.waited
    assert short.cut > long.cut
    assert frontier(costs) == costs


def test_a_point_that_another_beats_is_not_on_the_frontier() -> None:
    clips = [Silence("um", 0.9, (0.8,)), Silence("sentence", 0.9)]
    costs = sweep(clips, [0.25], [0.3, 0.4], [2.0])
    assert list(frontier(costs)) == [Point(0.25, 0.3, 2.0)]


def test_half_of_assumed_pauses_are_shorter_than_their_median() -> None:
    lengths = Pauses(0.4).lengths()
    assert sum(length < 0.4 for length in lengths) == len(lengths) / 2


def test_how_well_ends_are_told_from_pauses() -> None:
    assert told_apart([0.8, 0.9], [0.1, 0.7]) == 1.0
    assert told_apart([0.5], [0.5]) == 0.5
    assert told_apart([0.1], [0.9]) == 0.0


def test_a_law_keeps_its_own_levels_and_is_fine_where_it_is_quiet() -> None:
    every = np.arange(-32_767, 32_768).astype(np.int16)
    once = a_law(every)
    assert len(np.unique(once)) == 256
    assert np.array_equal(a_law(once), once)
    quiet = np.abs(every) < 512
    assert np.abs(once - every.astype(int))[quiet].max() <= 8


async def test_the_model_is_asked_once_after_a_recording_without_pauses() -> None:
    [clip] = [clip for clip in recorded(AUDIO) if clip.name == "weather_question"]
    for line in (MU_LAW, Line("A-law")):
        [asked] = await silences(over(clip.sound, line), EOT())
        assert 0 < asked.probability < 1
        assert asked.silence is None
