"""What must hold of a loaded engine on virtual time; its figures are for the bench."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.simulated_voices import H200, L4, RTX_4090, Machine, simulate
from csm_engine.scheduling.step_times import FirstValues

MACHINES = st.builds(
    Machine,
    st.builds(FirstValues, st.floats(1e-3, 2.5e-2), st.floats(1e-6, 1e-3), st.floats(1e-7, 4e-5)),
    st.floats(0, 0.2),
    st.sampled_from([1, 2]),
)


@settings(max_examples=25, deadline=None)
@given(MACHINES, st.floats(0.1, 3), st.integers(0, 1000))
def test_nobody_who_was_admitted_hears_a_gap(machine: Machine, share: float, seed: int) -> None:
    capacity = simulate(machine, 1, 0).capacity
    report = simulate(machine, min(share * capacity, 64), 6, seed)
    assert (report.underruns, report.starved) == (0, 0)
    assert report.replies - report.refused == len(report.first_sound)


@pytest.mark.parametrize("machine", [H200, RTX_4090, L4])
@pytest.mark.parametrize("share", [0.02, 0.5, 4])
def test_machines_as_designed_for(machine: Machine, share: float) -> None:
    capacity = simulate(machine, 1, 0).capacity
    report = simulate(machine, share * capacity, 8)
    assert report.underruns == 0
    assert max(report.speaking, default=0) <= 256
    if share < 1:
        assert report.refused == 0
    longest = (1 + machine.jitter) * machine.seconds(128, 512)
    assert max(report.cancels, default=0) <= longest


def test_a_burst_is_admitted_and_heard() -> None:
    """256 replies within a quarter of a second."""
    report = simulate(H200, 256 * 35, 0.25)
    assert max(report.speaking) == report.capacity == 256
    assert report.underruns == 0
