"""The queue of calls, shared by diallers and by runs."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from agent.call import Outcome
from ledger.database import open_ledger
from ledger.tables import DialRow
from sip.outbound.queue import Order, Queue, State
from sip.outbound.result import ANSWERED, Result

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OLD = timedelta(seconds=90)
ORDER = Order("+12025550123", "+12025550199", "receptionist", {"name": "Ada"})
BUSY = Result(Outcome.BUSY, 486, "busy")

Open = Callable[[str], Queue]


@pytest.fixture
def open_queue(url: str) -> Iterator[Open]:
    """Each as another process would: an engine of its own."""
    engines: list[Engine] = []

    def opened(name: str) -> Queue:
        engines.append(open_ledger(url))
        return Queue(engines[-1], name)

    yield opened
    for engine in engines:
        engine.dispose()


def test_what_was_asked_for_is_there_after_a_restart(open_queue: Open) -> None:
    dial_id = open_queue("before").add(ORDER, NOW)
    dial = open_queue("after").claim(NOW, SECOND)
    assert dial is not None
    assert (dial.id, dial.state, dial.attempts) == (dial_id, State.DIALLING, 1)
    assert (dial.order.to, dial.order.from_) == (ORDER.to, ORDER.from_)
    assert (dial.order.persona, dial.order.vars) == ("receptionist", {"name": "Ada"})


def test_the_one_due_the_longest_comes_first_and_none_before_its_time(open_queue: Open) -> None:
    queue = open_queue("one")
    later = queue.add(Order(**vars(ORDER) | {"due_at": NOW + 60 * SECOND}), NOW)
    sooner = queue.add(Order(**vars(ORDER) | {"due_at": NOW + 30 * SECOND}), NOW)
    moments = [NOW + seconds * SECOND for seconds in (29, 30, 59, 60, 120)]
    claimed = [queue.claim(moment, SECOND) for moment in moments]
    assert [dial and dial.id for dial in claimed] == [None, sooner, None, later, None]


def test_of_claimants_at_once_each_dial_has_one(open_queue: Open) -> None:
    first = open_queue("first")
    ids = {first.add(ORDER, NOW) for _ in range(12)}
    queues = [first, open_queue("second"), open_queue("third")]
    nothing = timedelta(0)
    with ThreadPoolExecutor(3) as threads:
        claims = [
            dial
            for turn in range(8)
            for dial in threads.map(
                lambda queue, turn=turn: queue.claim(NOW + turn * SECOND, nothing), queues
            )
            if dial
        ]
    assert sorted(dial.id for dial in claims) == sorted(ids)


@cache
def memory() -> Engine:
    """One for all examples: a new ledger takes longer than they do."""
    return open_ledger("sqlite://")


@settings(max_examples=15, deadline=None)
@given(
    gap=st.integers(100, 3000),
    steps=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 1)), max_size=30),
)
def test_calls_are_never_closer_than_the_pace_whoever_places_them(
    gap: int, steps: list[tuple[int, int]]
) -> None:
    engine = memory()
    with engine.begin() as connection:
        connection.execute(delete(DialRow))
    queues = [Queue(engine, "first"), Queue(engine, "second")]
    for _ in steps:
        queues[0].add(ORDER, NOW)
    placed, now, pace = list[datetime](), NOW, timedelta(milliseconds=gap)
    for step, who in steps:
        now += timedelta(milliseconds=step)
        paced = not placed or now - placed[-1] >= pace
        if queues[who].claim(now, pace):
            assert paced
            placed.append(now)
        else:
            assert not paced


def test_a_clock_that_was_put_back_stops_nobody(open_queue: Open) -> None:
    queue = open_queue("one")
    queue.add(ORDER, NOW)
    queue.add(ORDER, NOW)
    assert queue.claim(NOW + 3600 * SECOND, SECOND)
    assert queue.claim(NOW, SECOND)


def test_a_cancelled_dial_is_not_dialled(open_queue: Open) -> None:
    queue = open_queue("one")
    dial_id = queue.add(ORDER, NOW)
    assert queue.cancel(dial_id)
    assert queue.claim(NOW, SECOND) is None
    assert not queue.cancel(dial_id)
    assert not queue.cancel("dial-of-nobody")


def test_one_that_is_cancelled_while_it_is_dialled_is_told_before_it_rings(
    open_queue: Open,
) -> None:
    queue = open_queue("one")
    dial_id = queue.add(ORDER, NOW)
    assert queue.claim(NOW, SECOND)
    assert open_queue("other").cancel(dial_id)
    assert not queue.placing(dial_id, "call-1")
    assert not queue.finish(dial_id, ANSWERED)
    dial = queue.get(dial_id)
    assert dial is not None
    assert (dial.state, dial.outcome) == (State.CANCELLED, None)


def test_a_dial_that_waits_again_is_claimed_when_it_is_due(open_queue: Open) -> None:
    queue = open_queue("one")
    dial_id = queue.add(ORDER, NOW)
    assert queue.claim(NOW, SECOND)
    assert queue.placing(dial_id, "call-1")
    assert queue.again(dial_id, NOW + 900 * SECOND, BUSY)
    assert queue.claim(NOW + 899 * SECOND, SECOND) is None
    dial = open_queue("other").claim(NOW + 900 * SECOND, SECOND)
    assert dial is not None
    assert (dial.attempts, dial.call_id, dial.outcome) == (2, None, Outcome.BUSY)


def test_a_held_dial_is_its_owners_alone(open_queue: Open) -> None:
    owner, other = open_queue("owner"), open_queue("other")
    waiting = other.add(ORDER, NOW)
    held = owner.add(ORDER, NOW, held=True)
    claimed = other.claim(NOW, SECOND)
    assert claimed is not None
    assert claimed.id == waiting
    assert owner.claim_held(held, NOW, SECOND) is None, "two calls in the same second"
    mine = owner.claim_held(held, NOW + SECOND, SECOND)
    assert mine is not None
    assert mine.id == held
    assert owner.claim_held(held, NOW + 5 * SECOND, SECOND) is None


def test_what_a_dead_dialler_left_is_taken_over_by_one(open_queue: Open) -> None:
    dead = open_queue("dead")
    rang, waited = dead.add(ORDER, NOW), dead.add(ORDER, NOW, held=True)
    assert dead.claim(NOW, SECOND)
    assert dead.placing(rang, "call-1")
    first, second = open_queue("first"), open_queue("second")
    left = second.dialling()
    assert {dial.id: dial.call_id for dial in left} == {rang: "call-1", waited: None}
    assert all(first.take_over(dial, NOW + OLD) for dial in left)
    assert not any(second.take_over(dial, NOW + OLD) for dial in left)
    assert first.finish(rang, BUSY)
    assert not dead.finish(rang, ANSWERED)


def test_finished_dials_are_left_alone(open_queue: Open) -> None:
    queue = open_queue("one")
    dial_id = queue.add(ORDER, NOW)
    claimed = queue.claim(NOW, SECOND)
    assert claimed
    assert queue.finish(dial_id, BUSY)
    assert queue.dialling() == []
    assert queue.take_over(claimed, NOW + 2 * OLD) is None
    dial = queue.get(dial_id)
    assert dial is not None
    assert (dial.state, dial.outcome, dial.sip_code) == (State.DONE, Outcome.BUSY, 486)
    assert queue.get("dial-of-nobody") is None


def test_a_clock_that_is_put_back_keeps_nobody_waiting_who_was_wanted_at_once(
    open_queue: Open,
) -> None:
    queue = open_queue("one")
    appointed = queue.add(Order(**vars(ORDER) | {"due_at": NOW + 60 * SECOND}), NOW)
    at_once = queue.add(ORDER, NOW)
    earlier = NOW - timedelta(hours=1)
    dial = queue.claim(earlier, SECOND)
    assert dial is not None
    assert dial.id == at_once
    assert queue.claim(earlier + 2 * SECOND, SECOND) is None
    later = queue.claim(NOW + 60 * SECOND, SECOND)
    assert later is not None
    assert later.id == appointed
