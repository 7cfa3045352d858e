import itertools
from collections.abc import Sequence
from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whisper_engine.whisper.cost import CPU, CUDA, Coefficients, Cost, Shape

FRAMES = (300, 400, 600, 800, 1000, 1500, 2000, 3000)
SHAPES = st.builds(
    Shape,
    frames=st.sampled_from(FRAMES),
    size=st.integers(1, 16),
    tokens=st.integers(4, 96),
)
FACTORS = st.lists(st.floats(0.25, 4.0), min_size=5, max_size=5)


def scaled(first: Coefficients, factors: Sequence[float]) -> Coefficients:
    batch, frame, squared, step, row = factors
    return Coefficients(
        first.batch * batch,
        first.frame * frame,
        first.frame_squared * squared,
        first.step * step,
        first.row_step * row,
    )


@pytest.mark.parametrize(("frames", "measured"), [(400, 0.159), (800, 0.226), (3000, 1.126)])
def test_first_values_for_cpu_are_near_what_was_measured(frames: int, measured: float) -> None:
    assert Cost(CPU).seconds(Shape(frames, 1, 15)) == pytest.approx(measured, rel=0.3)


@settings(max_examples=30)
@given(st.integers(0, 1000), FACTORS)
def test_it_learns_any_machine_of_its_form(seed: int, factors: list[float]) -> None:
    machine, cost = Cost(scaled(CUDA, factors)), Cost(CUDA)
    shapes = list(itertools.product(FRAMES, (1, 4, 16), (4, 30, 96)))
    Random(seed).shuffle(shapes)
    for shape in (Shape(*numbers) for numbers in shapes):
        cost.learn(shape, machine.seconds(shape))
    errors = [cost.seconds(Shape(*s)) / machine.seconds(Shape(*s)) - 1 for s in shapes]
    assert fmean(map(abs, errors)) < 0.15


@given(SHAPES, st.floats(0.0, 1e3))
def test_a_shape_that_is_met_again_and_again_is_known(shape: Shape, seconds: float) -> None:
    cost = Cost(CPU)
    for _ in range(50):
        cost.learn(shape, seconds)
    assert cost.seconds(shape) == pytest.approx(seconds, rel=0.05, abs=2e-6)


@given(SHAPES, st.floats(10.0, 1e6))
def test_one_stalled_batch_changes_little(shape: Shape, seconds: float) -> None:
    cost = Cost(CUDA)
    for _ in range(20):
        cost.learn(shape, 0.03)
    cost.learn(shape, seconds)
    assert cost.seconds(shape) == pytest.approx(0.03, rel=0.1)


@given(SHAPES, SHAPES, st.floats(0.0, 1e3))
def test_more_work_never_costs_less(one: Shape, other: Shape, seconds: float) -> None:
    cost = Cost(CPU)
    cost.learn(one, seconds)
    more = Shape(other.frames, other.size + 1, other.tokens + 1)
    assert cost.seconds(more) >= cost.seconds(other) > 0
