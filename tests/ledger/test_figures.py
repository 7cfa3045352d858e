"""What is counted of a span of time."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ledger.figures import Figures, percentile, read_figures, total
from ledger.tables import CallRow, EventRow, TurnRow
from tests.ledger.rows import START, call_values, turn_values

DAY = timedelta(days=1)
UNTIL = START + DAY


def add(engine: Engine, *rows: Any) -> None:
    with Session(engine) as session, session.begin():
        session.add_all(rows)


def call(call_id: str, at: datetime = START, **values: Any) -> CallRow:
    return CallRow(**call_values(call_id, started_at=at, **values))


def reply(call_id: str, seconds: float, n: int = 2) -> TurnRow:
    took = {"e2e_latency": seconds, "tts_node_ttfb": 0.1}
    return TurnRow(**turn_values(n, call_id, role="assistant", latencies=took))


def test_without_calls_everything_is_nothing(engine: Engine) -> None:
    found = read_figures(engine, START, UNTIL)
    assert (found.calls, found.over, found.answer_rate, found.took) == (0, 0, None, {})


def test_calls_are_counted_by_what_came_of_them(engine: Engine) -> None:
    add(
        engine,
        call("a", outcome="answered"),
        call("b", outcome="answered", direction="outbound"),
        call("c", outcome="busy"),
        call("d", outcome="failed"),
        call("goes on"),
        call("before", START - DAY, outcome="answered"),
        call("after", UNTIL, outcome="answered"),
        call("test", outcome="answered", test=True),
    )
    found = read_figures(engine, START, UNTIL)
    assert (found.calls, found.inbound, found.over) == (5, 4, 4)
    assert found.outcomes == {"answered": 2, "busy": 1, "failed": 1}
    assert found.answer_rate == 0.5
    assert read_figures(engine, START, UNTIL, tests=True).calls == 6


def test_what_happened_in_them_is_counted(engine: Engine) -> None:
    add(engine, call("a"), call("other", START - DAY))
    for n, kind in enumerate(("interruption", "interruption", "failure", "state")):
        add(engine, EventRow(call_id="a", at=START + n * DAY / 4, kind=kind, details={}))
    add(engine, EventRow(call_id="other", at=START, kind="failure", details={}))
    found = read_figures(engine, START, UNTIL)
    assert (found.interruptions, found.failures) == (2, 1)


def test_answers_are_timed_and_greetings_are_not(engine: Engine) -> None:
    add(engine, call("a", outcome="answered"), call("b", outcome="busy"))
    greeting = turn_values(0, "a", role="assistant", latencies={"tts_node_ttfb": 9.0})
    add(engine, TurnRow(**greeting), reply("a", 0.5, 1), reply("a", 0.7, 2), reply("b", 5.0))
    took = read_figures(engine, START, UNTIL).took
    assert sorted(value for value, _ in took["whole"]) == [0.5, 0.7]
    assert [value for value, _ in took["speak"]] == [0.1, 0.1]


def figures(answered: int, *took: float) -> Figures:
    weight = answered / len(took) if took else 0.0
    return Figures(
        calls=answered + 1,
        inbound=1,
        outcomes={"answered": answered},
        interruptions=2,
        failures=0,
        took={"whole": [(value, weight) for value in took]},
    )


def test_days_add_up_and_a_busy_one_weighs_more() -> None:
    both = total([figures(90, 1.0), figures(10, 5.0)])
    assert (both.calls, both.answered, both.interruptions) == (102, 100, 4)
    assert percentile(both.took["whole"], 0.5) == 1.0
    assert percentile(both.took["whole"], 0.95) == 5.0
    assert total([]).calls == 0


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (1.0, 4.0)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile([(4.0, 1.0), (1.0, 1.0), (3.0, 1.0), (2.0, 1.0)], share) == value


def test_of_no_values_there_is_no_percentile() -> None:
    assert percentile([], 0.5) is None
