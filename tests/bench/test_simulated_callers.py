"""What must hold in the simulation; its figures are for the bench."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.simulated_callers import simulate
from bench.simulated_ears import CARD, CPU_BOX, Machine

MACHINES = st.sampled_from([CPU_BOX, CARD])


def slower(machine: Machine, times: float) -> Machine:
    """The scheduler does not know."""
    cost = type(machine.takes)(*(times * each for each in asdict(machine.takes).values()))
    return replace(machine, takes=cost)


def middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


@settings(max_examples=25)
@given(MACHINES, st.integers(1, 20), st.integers(0, 99), st.sampled_from([0.3, 1.0, 4.0, 20.0]))
def test_whatever_the_load_every_flush_is_answered_once_and_no_late_interim_is_run(
    machine: Machine, calls: int, seed: int, times: float
) -> None:
    report = simulate(slower(machine, times), calls, seconds=15, seed=seed)
    assert len(report.finals) == report.flushes
    assert report.late_interims == 0
    assert report.most_waiting <= 3 * calls + report.flushes


def test_it_is_the_same_each_time() -> None:
    assert simulate(CPU_BOX, 4, 30, seed=5) == simulate(CPU_BOX, 4, 30, seed=5)


@pytest.mark.parametrize(("machine", "few", "many"), [(CPU_BOX, 2, 80), (CARD, 10, 250)])
def test_under_load_interims_go_before_finals_wait(machine: Machine, few: int, many: int) -> None:
    calm, rush = simulate(machine, few, 40), simulate(machine, many, 40)
    assert rush.interims / many < calm.interims / few
    assert fmean(rush.loads) > fmean(calm.loads)
    assert all(calm.rooms)
    assert not all(rush.rooms)


def test_alone_on_a_card_the_text_is_there_before_it_is_asked_for() -> None:
    report = simulate(CARD, 1, 200)
    assert report.flushes > 20
    assert middle(report.finals) == 0.0
    assert len(report.speculative) == report.flushes


def test_where_there_is_room_finals_hardly_wait() -> None:
    """If the load policy lets in another call, those that are there are heard in time."""
    for calls in (5, 20, 40, 80, 120):
        report = simulate(CARD, calls, 30)
        if all(report.rooms):
            assert middle(report.finals) < 0.05
    assert not all(report.rooms)
