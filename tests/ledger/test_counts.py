"""What is counted of other calls before one is let in."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ledger.counts import Asked, Counted, count_calls
from ledger.tables import CallRow
from tests.ledger.rows import START, call_values

NOW = START + timedelta(hours=3)
ME = Asked("me", NOW, "clerk", "+15550142424")


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def call(call_id: str, began: float, *, lasts: float | None = None, **values: Any) -> CallRow:
    """It began so many minutes ago, was answered at once, and ended after so many; None: goes on."""
    ended = None if lasts is None else ago(began - lasts)
    row = call_values(
        call_id, started_at=ago(began), answered_at=ago(began), seen_at=ended or NOW, ended_at=ended
    )
    return CallRow(**row | values)


def counted(engine: Engine, *rows: CallRow, asked: Asked = ME) -> Counted:
    with Session(engine) as session, session.begin():
        session.add_all(rows)
    return count_calls(engine, asked, now=NOW, caller_since=ago(60), minutes_since=ago(9.5 * 60))


def test_without_calls_nothing_is_counted(engine: Engine) -> None:
    assert counted(engine) == Counted(0, 0, 0, 0.0)


def test_calls_that_go_on_are_at_once_and_the_one_that_asks_is_none_of_them(engine: Engine) -> None:
    found = counted(
        engine,
        call("me", 0.0),
        call("a", 5.0, from_number=None),
        call("b", 200.0, persona="other", from_number=None),
        call("over", 5.0, lasts=1.0, from_number=None),
    )
    assert (found.at_once, found.of_persona) == (2, 1)


def test_of_two_that_come_together_one_is_first(engine: Engine) -> None:
    rows = (call("one", 0.0), call("two", 0.0))
    first = counted(engine, *rows, asked=Asked("one", NOW, "clerk", None))
    second = counted(engine, asked=Asked("two", NOW, "clerk", None))
    assert (first.at_once, second.at_once) == (0, 1)


def test_a_call_that_came_later_has_to_wait_for_this_one(engine: Engine) -> None:
    assert counted(engine, call("later", -1.0)).at_once == 0


def test_a_call_whose_worker_died_holds_nobody_up(engine: Engine) -> None:
    assert counted(engine, call("lost", 30.0, seen_at=ago(2))).at_once == 0


def test_a_callers_calls_are_those_that_were_answered_of_late(engine: Engine) -> None:
    found = counted(
        engine,
        call("a", 50.0, lasts=1.0),
        call("b", 70.0, lasts=1.0),
        call("c", 40.0, lasts=1.0, answered_at=None),
        call("d", 30.0, lasts=1.0, from_number="+15550143333"),
        call("e", 20.0),
    )
    assert found.of_caller == 2


def test_minutes_are_those_of_the_day_and_go_on_while_a_call_does(engine: Engine) -> None:
    found = counted(
        engine,
        call("yesterday", 24 * 60.0, lasts=600.0),
        call("over", 100.0, lasts=7.5),
        call("unanswered", 90.0, lasts=2.0, answered_at=None),
        call("goes on", 4.0),
    )
    assert found.minutes == pytest.approx(11.5, abs=0.01)
