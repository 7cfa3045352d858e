"""What somebody's web server is told of calls: each event once, until it was heard."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from ledger.spool import LEASE, RECENT, RETRIES, deliveries, replay, settle, spool, take
from ledger.tables import CallRow, TurnRow
from tests.ledger.rows import START, call_values, turn_values

URL = "https://crm.example/hook"
NOW = START + timedelta(minutes=5)


def write(engine: Engine, **values: Any) -> None:
    with Session(engine) as session, session.begin():
        session.add(CallRow(**call_values(**values)))


def change(engine: Engine, **values: Any) -> None:
    with Session(engine) as session, session.begin():
        session.execute(update(CallRow).values(**values))


def told(engine: Engine) -> list[str]:
    """The events that are new on the spool, which are then sent."""
    spool(engine, [URL], NOW)
    taken = take(engine, NOW, 100)
    for delivery in taken:
        settle(engine, delivery, sent=True, answer="200", now=NOW)
    return sorted(delivery.event for delivery in taken)


def test_each_event_is_told_once_when_it_has_happened(engine: Engine) -> None:
    write(engine)
    assert told(engine) == []
    change(engine, answered_at=START)
    assert told(engine) == ["call.started"]
    assert told(engine) == []
    with Session(engine) as session, session.begin():
        session.add(TurnRow(**turn_values()))
    change(engine, ended_at=START, outcome="answered")
    assert told(engine) == ["call.ended", "transcript.ready"]
    change(engine, summary="Wants a table.", recording="/recordings/c1.ogg")
    assert told(engine) == ["recording.ready", "summary.ready"]
    assert told(engine) == []


def test_a_call_whose_worker_died_is_told_as_failed(engine: Engine) -> None:
    write(engine, ended_at=START, outcome="failed", end_reason="worker lost")
    assert told(engine) == ["call.failed"]


def test_an_event_carries_the_call_and_its_own_part_alone(engine: Engine) -> None:
    write(engine, answered_at=START, ended_at=START, outcome="answered", summary="A table.")
    with Session(engine) as session, session.begin():
        session.add(TurnRow(**turn_values(text="A table for four.")))
    spool(engine, [URL], NOW)
    bodies = {each.event: json.loads(each.body) for each in take(engine, NOW, 10)}
    started, ready = bodies["call.started"], bodies["transcript.ready"]
    assert started["type"] == "call.started"
    assert started["call"]["from_number"] == "+15550142424"
    assert not {"turns", "summary"} & started["call"].keys()
    assert [turn["text"] for turn in ready["call"]["turns"]] == ["A table for four."]
    assert bodies["summary.ready"]["call"]["summary"] == "A table."


def test_each_address_is_told(engine: Engine) -> None:
    write(engine, answered_at=START)
    assert spool(engine, [URL, "https://other.example"], NOW) == 2


def test_the_past_is_not_told(engine: Engine) -> None:
    write(engine, answered_at=START)
    assert spool(engine, [URL], START + RECENT) == 0


def test_one_that_nobody_heard_is_tried_again_later_and_later_and_then_given_up(
    engine: Engine,
) -> None:
    write(engine, answered_at=START)
    spool(engine, [URL], NOW)
    now, waits = NOW, []
    while taken := take(engine, now, 10):
        settle(engine, taken[0], sent=False, answer="503", now=now)
        (row,) = deliveries(engine)
        waits.append(row.due_at - now)
        assert not take(engine, row.due_at - timedelta(seconds=1), 10)
        now = row.due_at if row.state == "waiting" else row.due_at + timedelta(days=9)
    assert waits == [*RETRIES, timedelta()]
    assert [row.event for row in deliveries(engine, state="given up")] == ["call.started"]


def test_who_takes_one_has_it_alone_until_they_are_taken_for_dead(engine: Engine) -> None:
    write(engine, answered_at=START)
    spool(engine, [URL], NOW)
    assert len(take(engine, NOW, 10)) == 1
    assert not take(engine, NOW + LEASE - timedelta(seconds=1), 10)
    assert len(take(engine, NOW + LEASE, 10)) == 1


HOUR = timedelta(hours=1)


@pytest.mark.parametrize("tries", range(5))
def test_a_clock_that_is_put_back_keeps_nothing_waiting(engine: Engine, tries: int) -> None:
    write(engine, answered_at=START)
    spool(engine, [URL], NOW)
    now = NOW
    for _ in range(tries):
        (taken,) = take(engine, now, 10)
        settle(engine, taken, sent=False, answer="503", now=now)
        now = deliveries(engine)[0].due_at
    assert len(take(engine, now - HOUR, 10)) == 1
    assert not take(engine, now - HOUR + LEASE - timedelta(seconds=1), 10), "it is being sent"


def test_a_call_can_be_told_once_more(engine: Engine) -> None:
    write(engine, answered_at=START, ended_at=START, outcome="answered")
    assert told(engine) == ["call.ended", "call.started"]
    assert replay(engine, "c1", NOW) == 2
    assert told(engine) == ["call.ended", "call.started"]
    assert replay(engine, "other", NOW) == 0


def test_who_is_erased_is_not_told_of(engine: Engine) -> None:
    write(engine, answered_at=START)
    spool(engine, [URL], NOW)
    with Session(engine) as session, session.begin():
        session.execute(delete(CallRow))
    assert not deliveries(engine)
