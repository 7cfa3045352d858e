"""Calls whose worker died are closed; those of workers that live are not."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ledger.reaper import PATIENCE, is_lost, reap
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
