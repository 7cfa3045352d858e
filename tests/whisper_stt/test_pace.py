import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_engine.model import Kind, Pace
from whisper_engine.whisper.pace import PAUSE, WINDOW, Load

PATIENCE = 0.25
EVERY = 0.1
LONG = round(10 * WINDOW / EVERY)

SHARES = st.floats(0.0, 1.2)
RUNS = st.lists(
    st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 0.5), st.floats(0.0, 1.0)), max_size=60
)
"""Seconds of a batch, seconds waited for it, seconds until the next."""


def work(load: Load, share: float, *, since: float = 0.0, need: float = 1.0) -> float:
    """Batches that take `share` of all workers' time, for long. When the last of them ended."""
    for number in range(1, LONG + 1):
        now = since + number * EVERY
        load.ran(Kind.FINAL, share * EVERY, need, now)
    return now


def after(share: float) -> Pace:
    load = Load(1, PATIENCE)
    return load.pace(work(load, share))


def generosity(load: Load, now: float) -> tuple[float, bool, bool, bool]:
    """More of it is better for the callers, part by part."""
    pace = load.pace(now)
    rate = 0.0 if pace.interim is None else 1 / pace.interim
    return (rate, pace.first_interim, pace.speculative, load.has_room(now))


def test_an_idle_engine_gives_everything() -> None:
    load = Load(2, PATIENCE)
    assert load.pace(5.0) == Pace(
        interim=0.3, first_interim=True, speculative=True, pause=PAUSE, tail=PAUSE
    )
    assert load.has_room(5.0)


@pytest.mark.parametrize(
    ("share", "interims", "first_interim", "speculative"),
    [
        (0.3, True, True, True),
        (0.7, True, True, True),
        (0.87, False, True, True),
        (0.92, False, False, True),
        (0.96, False, False, False),
        (1.1, False, False, False),
    ],
)
def test_what_is_worth_least_goes_first(
    share: float, interims: bool, first_interim: bool, speculative: bool
) -> None:
    pace = after(share)
    assert (pace.interim is not None) is interims
    assert pace.first_interim is first_interim
    assert pace.speculative is speculative


@pytest.mark.parametrize(
    ("batch", "period"), [(0.01, 0.3), (0.2, 0.6), (0.5, 1.5), (1.0, 2.0), (5.0, 2.0)]
)
def test_interims_come_every_three_batches(batch: float, period: float) -> None:
    load = Load(1, PATIENCE)
    load.ran(Kind.INTERIM, batch, need=0.1, now=0.0)
    assert load.pace(0.0).interim == pytest.approx(period)


def test_interims_come_half_as_often_above_0_6() -> None:
    assert after(0.55).interim == pytest.approx(0.3)
    assert after(0.65).interim == pytest.approx(0.6)


def test_new_streams_are_refused_when_all_else_is_shed() -> None:
    load = Load(1, PATIENCE)
    now = work(load, 0.9)
    assert load.has_room(now)
    assert not load.has_room(work(load, 1.05, since=now))


def test_room_comes_back_only_when_the_load_has_fallen_well_below() -> None:
    load = Load(1, PATIENCE)
    now = work(load, 1.1)
    assert not load.has_room(now)
    now = work(load, 0.85, since=now)
    assert not load.has_room(now)
    assert load.has_room(work(load, 0.6, since=now))


def test_what_is_shed_does_not_come_back_at_once() -> None:
    load = Load(1, PATIENCE)
    now = work(load, 0.88)
    assert load.pace(now).interim is None
    now = work(load, 0.8, since=now)
    assert load.pace(now).interim is None
    now = work(load, 0.5, since=now)
    assert load.pace(now).interim is not None


@given(SHARES, st.integers(1, 8))
def test_work_is_the_share_of_all_workers(share: float, workers: int) -> None:
    load = Load(workers, PATIENCE)
    now = work(load, share * workers)
    assert load.utilisation(now) == pytest.approx(share, abs=0.02)


def test_batches_that_could_be_larger_are_little_work() -> None:
    load = Load(1, PATIENCE)
    assert load.utilisation(work(load, 1.0, need=0.25)) == pytest.approx(0.25, abs=0.02)


def test_callers_who_wait_are_a_load_though_there_is_little_work() -> None:
    load = Load(2, PATIENCE)
    for number in range(30):
        load.waited(Kind.FINAL, 2 * PATIENCE, 0.1 * number)
    assert not load.has_room(2.9)
    assert not load.pace(2.9).speculative


def test_a_wait_for_one_batch_is_no_load() -> None:
    load = Load(1, PATIENCE)
    load.waited(Kind.FINAL, PATIENCE, 0.0)
    assert load.pace(0.0) == Pace(pause=PAUSE, tail=PAUSE)


@pytest.mark.parametrize("kind", [Kind.INTERIM, Kind.FILE])
def test_what_interims_and_files_wait_is_no_load(kind: Kind) -> None:
    load = Load(1, PATIENCE)
    for number in range(100):
        load.waited(kind, 60.0, 0.1 * number)
    assert load.utilisation(10.0) == 0.0


def test_files_are_no_load_as_they_give_way() -> None:
    load = Load(1, PATIENCE)
    for number in range(100):
        load.ran(Kind.FILE, 1.0, 1.0, float(number))
    assert load.pace(100.0) == Pace(pause=PAUSE, tail=PAUSE)


def test_a_worker_may_report_a_little_after_the_pace_was_asked() -> None:
    load = Load(1, PATIENCE)
    load.ran(Kind.FINAL, 1.0, 1.0, now=10.0)
    before = load.utilisation(10.0)
    assert load.utilisation(9.9) == load.utilisation(10.0) == before


def test_workers_that_hang_leave_no_room() -> None:
    load = Load(1, PATIENCE)
    assert load.has_room(10.0, longest_wait=PATIENCE)
    assert not load.has_room(10.0, longest_wait=3 * PATIENCE)


@given(RUNS)
def test_after_a_quiet_minute_nothing_is_remembered_of_a_rush(
    runs: list[tuple[float, float, float]],
) -> None:
    load, now = Load(1, PATIENCE), 0.0
    for seconds, waited, pause in runs:
        load.ran(Kind.FINAL, seconds, 1.0, now)
        load.waited(Kind.FINAL, waited, now)
        load.pace(now)
        load.has_room(now)
        now += pause
    assert load.has_room(now + 60)
    pace = load.pace(now + 60)
    assert pace.interim is not None
    assert pace.first_interim
    assert pace.speculative


@given(RUNS, st.floats(1.0, 3.0), st.floats(1.0, 3.0))
def test_more_load_never_gives_more(
    runs: list[tuple[float, float, float]], longer: float, later: float
) -> None:
    easy, hard, now = Load(2, PATIENCE), Load(2, PATIENCE), 0.0
    for seconds, waited, pause in runs:
        for load, by, then in ((easy, 1.0, 1.0), (hard, longer, later)):
            load.ran(Kind.SPECULATIVE, by * seconds, 0.8, now)
            load.waited(Kind.SPECULATIVE, then * waited, now)
        pairs = zip(generosity(easy, now), generosity(hard, now), strict=True)
        assert all(better >= worse for better, worse in pairs)
        now += pause
