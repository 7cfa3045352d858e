"""Calls whose worker died are closed; those of workers that live are not."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from ledger.reaper import PATIENCE, Reaper, is_lost, reap
from ledger.tables import CallRow, LegRow
from tests.ledger.rows import START, call_row, call_values

MOMENT = timedelta(milliseconds=1)
LATER = START + PATIENCE + MOMENT


@given(st.timedeltas(-PATIENCE, 10 * PATIENCE))
def test_a_worker_is_lost_once_it_has_been_silent_for_longer_than_is_waited(
    silence: timedelta,
) -> None:
    assert is_lost(START, START + silence) == (silence > PATIENCE)


def test_a_lost_call_is_closed_when_its_worker_was_last_seen(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        session.add(CallRow(**call_values()))
        session.flush()
        session.add(LegRow(call_id="c1", identity="caller", joined_at=START))
    assert reap(engine, START + PATIENCE) == []
    assert reap(engine, LATER) == ["c1"]
    assert reap(engine, LATER) == []
    row = call_row(engine)
    assert (row.state, row.outcome, row.end_reason) == ("error", "failed", "worker lost")
    assert row.ended_at == START
    with Session(engine) as session:
        assert session.query(LegRow).one().left_at == START


def test_calls_that_ended_or_whose_worker_was_seen_are_left(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        session.add(CallRow(**call_values("over", ended_at=START, outcome="answered")))
        session.add(CallRow(**call_values("alive", seen_at=LATER)))
    assert reap(engine, LATER) == []
    assert call_row(engine, "over").outcome == "answered"
    assert call_row(engine, "alive").outcome is None


HOUR = timedelta(hours=1)
BEAT, LOOK = 5, 10
"""Seconds between two signs of life, and between two looks."""


class Minutes:
    """A reaper that looks at a worker's call, whose wall clock and the reaper's are put by `jump` after `jumps_at` s."""

    def __init__(self, engine: Engine, jump: timedelta, jumps_at: int = 30) -> None:
        self._engine = engine
        self._jump = jump
        self._jumps_at = jumps_at
        self._reaper = Reaper()
        with Session(engine) as session, session.begin():
            session.add(CallRow(**call_values()))

    def wall(self, second: int) -> datetime:
        put = self._jump if second >= self._jumps_at else timedelta()
        return START + timedelta(seconds=second) + put

    def pass_by(self, seconds: int, *, dies_at: int | None = None) -> int | None:
        """The second in which the call is closed."""
        for second in range(seconds):
            if second % BEAT == 0 and (dies_at is None or second < dies_at):
                with Session(self._engine) as session, session.begin():
                    session.execute(update(CallRow).values(seen_at=self.wall(second)))
            if second % LOOK == 0 and self._reaper.close(self._engine, self.wall(second), second):
                return second
        return None


@pytest.mark.parametrize("jump", [HOUR, -HOUR, timedelta()])
def test_a_clock_that_is_put_closes_no_call_that_goes_on(engine: Engine, jump: timedelta) -> None:
    assert Minutes(engine, jump).pass_by(200) is None


@pytest.mark.parametrize("jump", [HOUR, -HOUR, timedelta()])
@pytest.mark.parametrize("dies_at", [20, 40], ids=["before", "after"])
def test_and_leaves_none_open_whose_worker_died(
    engine: Engine, jump: timedelta, dies_at: int
) -> None:
    closed = Minutes(engine, jump).pass_by(200, dies_at=dies_at)
    assert closed is not None
    assert (
        PATIENCE.total_seconds()
        < closed - dies_at + BEAT
        <= PATIENCE.total_seconds() + 2 * LOOK + BEAT
    )


def test_a_ledger_that_was_away_may_have_kept_workers_from_writing(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        session.add(CallRow(**call_values(seen_at=LATER)))
    reaper = Reaper()
    assert reaper.close(engine, LATER, 0.0) == []
    reaper.away()
    assert reaper.close(engine, LATER + 2 * PATIENCE, 120.0) == []
    assert reaper.close(engine, LATER + 4 * PATIENCE, 240.0) == ["c1"]
