"""What is counted of other calls before one is let in."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ledger.counts import Asked, Counted, Spent, count_calls, spent_since
from ledger.tables import CallRow
from tests.ledger.rows import START, call_values

NOW = START + timedelta(hours=3)
MIDNIGHT = NOW - timedelta(hours=9.5)
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
    with engine.connect() as connection:
        return count_calls(connection, asked, now=NOW, caller_since=ago(60), day_since=MIDNIGHT)


def test_without_calls_nothing_is_counted(engine: Engine) -> None:
    assert counted(engine) == Counted(Counter(), (), 0, Spent())


def test_places_are_counted_by_persona_and_the_one_that_asks_has_none(engine: Engine) -> None:
    found = counted(
        engine,
        call("me", 0.0, place="held"),
        call("a", 5.0, from_number=None),
        call("b", 200.0, persona="other", from_number=None),
        call("over", 5.0, lasts=1.0, from_number=None),
    )
    assert found.taken == Counter(clerk=1, other=1)


def test_of_two_that_come_together_one_is_first(engine: Engine) -> None:
    rows = (call("one", 0.0), call("two", 0.0))
    first = counted(engine, *rows, asked=Asked("one", NOW, "clerk", None))
    second = counted(engine, asked=Asked("two", NOW, "clerk", None))
    assert (first.taken.total(), second.taken.total()) == (0, 1)


def test_a_call_that_came_later_has_to_wait_for_this_one_unless_it_has_its_place(
    engine: Engine,
) -> None:
    assert counted(engine, call("later", -1.0)).taken.total() == 0
    assert counted(engine, call("quicker", -1.0, place="held")).taken.total() == 1
    assert counted(engine, call("ours", -1.0, direction="outbound")).taken.total() == 2


def test_a_call_that_is_refused_or_over_takes_no_place(engine: Engine) -> None:
    assert counted(engine, call("a", 1.0, place="none")).taken.total() == 0


def test_who_waits_takes_none_and_those_who_came_earlier_are_ahead(engine: Engine) -> None:
    found = counted(
        engine,
        call("second", 3.0, place="waiting", persona="b"),
        call("first", 4.0, place="waiting", persona="a"),
        call("behind", -1.0, place="waiting"),
    )
    assert (found.taken, found.ahead) == (Counter(), ("a", "b"))


def test_a_call_whose_worker_died_holds_nobody_up(engine: Engine) -> None:
    dead = call("lost", 30.0, seen_at=ago(2))
    waited = call("waited", 30.0, place="waiting", seen_at=ago(0.5))
    found = counted(engine, dead, waited, call("here", 1.0, place="waiting"))
    assert (found.taken.total(), found.ahead) == (0, ("clerk",))


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
        call("waited before it was answered", 100.0, lasts=9.0, line_seconds=60.0),
        call("unanswered", 90.0, lasts=2.0, answered_at=None),
        call("goes on", 4.0),
    )
    assert found.spent.minutes == pytest.approx(12.5, abs=0.01)


def test_money_is_what_calls_have_cost_and_the_use_of_those_without_a_price(
    engine: Engine,
) -> None:
    counted(
        engine,
        call("yesterday", 24 * 60.0, lasts=1.0, cost=100.0),
        call("a", 100.0, lasts=10.0, cost=0.5, line_seconds=600.0),
        call("b", 90.0, lasts=10.0, cost=0.25, line_seconds=600.0),
        call("its worker died", 80.0, lasts=2.0),
        call("goes on", 3.0, heard_seconds=90.0, spoken_seconds=30.0),
    )
    with engine.connect() as connection:
        spent = spent_since(connection, MIDNIGHT, NOW)
    assert vars(spent) == pytest.approx(
        {"minutes": 25.0, "cost": 0.75, "unpriced": 5.0, "heard": 1.5, "spoken": 0.5}, abs=0.01
    )


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_is_put_adds_no_minutes_to_a_call_that_goes_on(
    engine: Engine, jump: timedelta
) -> None:
    row = call("goes on", 4.0, line_seconds=240.0, answered_at=ago(4.0) - jump)
    new = call("not seen since its answer", 0.0, answered_at=NOW + timedelta(hours=1))
    assert counted(engine, row, new).spent.minutes == pytest.approx(4.0)
