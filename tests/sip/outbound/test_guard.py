"""What a day allows: money, and calls to one number."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from ledger.database import open_ledger
from ledger.tables import CallRow
from sip.line import Line
from sip.outbound.guard import Guard
from sip.outbound.queue import Dial, Order, Queue
from sip.outbound.result import of_sip
from tests.ledger.rows import call_values

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GAP = timedelta(seconds=1)
BUSY = of_sip(486, "Busy Here")
ORDER = Order("+12025550123", "+12025550199", "receptionist")


def line(**admission: object) -> Line:
    return Line.model_validate(
        {
            "public_host": "sip.example.org",
            "domain": "example",
            "numbers": [{"number": ORDER.from_, "persona": "receptionist"}],
            "admission": admission,
        }
    )


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    yield opened
    opened.dispose()


@pytest.fixture
def queue(engine: Engine) -> Queue:
    return Queue(engine, "dialler")


def claimed(queue: Queue, now: datetime, to: str = ORDER.to) -> Dial:
    queue.add(Order(to, ORDER.from_, ORDER.persona), now)
    dial = queue.claim(now, GAP)
    assert dial is not None
    return dial


def spend(engine: Engine, began: datetime, cost: float) -> None:
    row = call_values(
        f"c-{began:%H%M}", answered_at=began, ended_at=began + timedelta(minutes=1), cost=cost
    )
    with engine.begin() as connection:
        connection.execute(insert(CallRow).values(**row))


def test_calls_wait_for_another_day_once_its_money_is_used_up(
    engine: Engine, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    guard = Guard(line(money_per_day=2.0), queue)
    spend(engine, NOON - timedelta(hours=13), 5.0)  # yesterday
    spend(engine, NOON - timedelta(hours=1), 1.5)
    assert not guard.is_spent(NOON)
    spend(engine, NOON - timedelta(hours=2), 0.5)
    assert guard.is_spent(NOON)
    assert guard.is_spent(NOON + timedelta(minutes=1))
    assert caplog.text.count("the day's money is used up") == 1
    assert not guard.is_spent(NOON + timedelta(hours=12))


def test_a_call_that_cannot_wait_is_not_placed_without_money(engine: Engine, queue: Queue) -> None:
    guard = Guard(line(money_per_day=2.0, hours={"timezone": "Europe/Berlin"}), queue)
    dial = claimed(queue, NOON)
    assert guard.refuses(dial, NOON) is None
    spend(engine, NOON - timedelta(hours=12, minutes=30), 2.0)  # past midnight there
    result = guard.refuses(dial, NOON)
    assert result is not None
    assert not result.placed
    assert "admission.money_per_day" in result.words
    assert "Europe/Berlin" in result.words


def test_a_number_is_called_so_often_a_day(queue: Queue) -> None:
    guard = Guard(line(calls_per_day_to_number=2), queue)
    first = claimed(queue, NOON)
    assert guard.keeps_back(first, NOON) is None
    queue.again(first.id, NOON + GAP, BUSY)
    again = queue.claim(NOON + 2 * GAP, GAP)
    assert again is not None
    assert guard.keeps_back(again, NOON + 2 * GAP) is None
    queue.finish(again.id, BUSY)
    third = claimed(queue, NOON + 4 * GAP)
    result = guard.keeps_back(third, NOON + 4 * GAP)
    assert result is not None
    assert not result.placed
    assert "admission.calls_per_day_to_number" in result.words
    other = claimed(queue, NOON + 6 * GAP, to="+12025550124")
    assert guard.keeps_back(other, NOON + 6 * GAP) is None
    tomorrow = NOON + timedelta(days=1, seconds=10)
    assert guard.keeps_back(claimed(queue, tomorrow), tomorrow) is None


def test_without_a_bound_nothing_is_kept_back(engine: Engine, queue: Queue) -> None:
    guard = Guard(line(), queue)
    spend(engine, NOON - timedelta(hours=1), 1e6)
    assert not guard.is_spent(NOON)
    assert guard.refuses(claimed(queue, NOON), NOON) is None
