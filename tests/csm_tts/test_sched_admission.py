"""What steps teach, and whether one more stream fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csm_engine.scheduling.admission import Admission, AdmissionLimits
from csm_engine.scheduling.step_times import BUCKETS, FirstValues, StepTimes

LEARNED = st.lists(
    st.tuples(st.integers(0, 128), st.sampled_from([0, 0, 40, 512]), st.floats(0, 0.5)),
    max_size=60,
)


def taught(steps: list[tuple[int, int, float]]) -> StepTimes:
    times = StepTimes()
    for rows, tokens, seconds in steps:
        times.learn(rows, tokens, seconds)
    return times


@given(LEARNED)
def test_more_rows_and_tokens_never_take_less(steps: list[tuple[int, int, float]]) -> None:
    times = taught(steps)
    rounds = [times.round(rows) for rows in range(300)]
    assert rounds == sorted(rounds)
    assert all(times.seconds(rows, 100) > times.seconds(rows) for rows in range(129))


def test_a_machine_of_another_speed_is_learned_from_a_few_buckets() -> None:
    times = StepTimes(FirstValues(step=6e-3, row=1e-4))
    for _ in range(50):
        for bucket in (1, 8, 32):
            times.learn(bucket, 0, 10 * (6e-3 + 1e-4 * bucket))
    for bucket in BUCKETS:
        assert times.seconds(bucket) == pytest.approx(10 * (6e-3 + 1e-4 * bucket), rel=0.1)


def test_what_a_token_takes_is_learned_beside_steps() -> None:
    times = StepTimes(FirstValues(token=1e-6))
    for _ in range(300):
        times.learn(8, 0, 0.008)
        times.learn(8, 500, 0.008 + 500 * 4e-5)
    assert times.seconds(8) == pytest.approx(0.008, rel=0.1)
    assert times.seconds(0, 1000) == pytest.approx(0.04, rel=0.1)
    assert times.tokens_in(0.02) == pytest.approx(500, rel=0.1)


@pytest.mark.parametrize("bucket", BUCKETS)
def test_one_stall_closes_no_door(bucket: int) -> None:
    times = taught([(each, 0, 0.010 + 1e-4 * each) for each in BUCKETS for _ in range(20)])
    times.learn(bucket, 0, 5.0)
    assert all(times.seconds(each) < 1.6 * (0.010 + 1e-4 * each) for each in BUCKETS)


def test_a_machine_that_has_become_slow_is_noticed() -> None:
    times = taught([(each, 0, 0.010) for each in BUCKETS for _ in range(20)])
    for _ in range(60):
        times.learn(64, 0, 0.05)
    assert times.seconds(64) > 0.035
    assert times.seconds(128) >= times.seconds(64)


def test_buckets_hold_rows() -> None:
    times = StepTimes()
    assert [times.bucket(rows) for rows in (0, 1, 3, 17, 128)] == [0, 1, 4, 24, 128]
    with pytest.raises(ValueError, match="129 rows are more than"):
        times.bucket(129)
    for buckets in ((), (0, 1), (2, 1), (1, 1)):
        with pytest.raises(ValueError, match="do not rise"):
            StepTimes(buckets=buckets)


@given(LEARNED, st.integers(0, 8), st.integers(0, 8))
def test_who_refuses_few_refuses_more(
    steps: list[tuple[int, int, float]], needed: int, free: int
) -> None:
    times = taught(steps)
    refusals = [Admission(times).ask(n, needed, free) is not None for n in range(300)]
    assert refusals == sorted(refusals)
    if needed <= free:
        assert refusals.index(True) == Admission(times).capacity()


def test_having_refused_it_waits_for_a_margin() -> None:
    times = StepTimes(FirstValues(step=1e-9, row=9.9e-4), buckets=range(1, 129))
    admission = Admission(times)
    assert admission.ask(39, 1, 1) is None
    refusal = admission.ask(40, 1, 1)
    assert refusal is not None
    assert (refusal.reason, refusal.retry_after) == ("a frame for 41 streams would take 41 ms", 2)
    assert admission.ask(36, 1, 1) is not None
    assert admission.ask(35, 1, 1) is None
    assert admission.ask(38, 1, 1) is None


def test_pages_and_places_may_be_wanting() -> None:
    admission = Admission(StepTimes(), AdmissionLimits(streams=4))
    refusal = admission.ask(0, 3, 2)
    assert refusal is not None
    assert refusal.reason == "3 KV pages are needed, 2 are free"
    assert admission.ask(3, 3, 3) is None
    assert admission.ask(4, 3, 3) is not None
    assert admission.capacity() == 4


def test_a_machine_too_slow_for_one_takes_one() -> None:
    admission = Admission(StepTimes(FirstValues(step=3.0)))
    for _ in range(2):
        assert admission.ask(0, 1, 1) is None
        assert admission.ask(1, 1, 1) is not None
    assert admission.capacity() == 1


@pytest.mark.parametrize(
    "wrong", [{"budget": 0}, {"reopen": 0}, {"reopen": 1.1}, {"streams": 0}, {"retry_after": 0}]
)
def test_limits_that_cannot_be_kept_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        AdmissionLimits(**wrong)  # type: ignore[arg-type]
