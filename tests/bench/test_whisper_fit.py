"""The fit of the batcher's cost model, and the calls that a fitted machine bears."""

import math
from dataclasses import astuple, replace
from itertools import product

import pytest

from bench.simulated_ears import CARD
from bench.whisper_borne import LATE, cases, hold, most_borne, with_period
from bench.whisper_fit import fit
from whisper_engine.whisper.cost import CUDA, Coefficients, Cost, Shape

SIZES = [Shape(frames, size, 15) for frames, size in product((300, 800, 3000), (1, 4, 16))]


def measured(takes: Coefficients) -> tuple[list[tuple[Shape, float]], list[tuple[int, float]]]:
    """As a machine would measure that costs exactly this."""
    cost = Cost(takes)
    steps = [(size, takes.step + size * takes.row_step) for size in (1, 4, 16)]
    return [(shape, cost.seconds(shape)) for shape in SIZES], steps


@pytest.mark.parametrize("takes", [CUDA, Coefficients(1e-3, 1e-6, 1e-9, 4e-4, 1e-4)])
def test_what_follows_the_model_is_found_again(takes: Coefficients) -> None:
    its = fit(*measured(takes))
    assert astuple(its.takes) == pytest.approx(astuple(takes), rel=1e-3)
    assert max(map(abs, its.errors)) < 1e-6


def test_no_term_is_ever_nothing_or_less() -> None:
    """A long input that costs less than a short one would have a negative term."""
    batches = [(Shape(300, 1, 15), 0.02), (Shape(3000, 1, 15), 0.01)]
    its = fit(batches, [(1, 5e-4), (16, 4e-4)])
    assert min(astuple(its.takes)) > 0
    assert max(its.errors) > 0 > min(its.errors)


def test_the_calls_borne_are_those_that_are_heard_in_time() -> None:
    quick, cut = cases("shape", "way", CUDA, CARD.contention)
    assert quick.machine.padded
    assert not cut.machine.padded
    slow = replace(quick, machine=replace(quick.machine, takes=Coefficients(1, 1, 1, 1, 1)))
    held = most_borne(quick, ladder=(1, 5), seconds=20)
    assert (held.calls, held.in_time) == (5, True)
    assert held.finals[1] <= LATE
    assert most_borne(slow, ladder=(1, 5), seconds=20).calls == 0
    assert not hold(slow, 1, seconds=20).in_time


def test_the_longer_the_period_the_fewer_the_interims() -> None:
    case, _ = cases("shape", "way", CUDA, 0.0)
    paced = [with_period(case, period) for period in (0.3, 1.2, math.inf)]
    often, seldom, never = (hold(case, 3, seconds=20) for case in paced)
    assert often.interims > seldom.interims > never.interims == 0
    assert never.period is None
