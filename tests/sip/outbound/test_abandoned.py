"""Whose dials are taken over, by a wall clock that may be put and a steady one that is not."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from ledger.database import open_ledger
from sip.outbound.abandoned import Abandoned
from sip.outbound.queue import Queue
from tests.sip.outbound.test_queue import NOW, OLD, ORDER, SECOND

HOUR = timedelta(hours=1)
PATIENCE = OLD.total_seconds()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    opened = open_ledger(url)
    yield opened
    opened.dispose()


def claimed(engine: Engine) -> None:
    """By somebody, at `NOW`; and one that somebody keeps for themselves."""
    other = Queue(engine, "other")
    other.add(ORDER, NOW)
    other.add(ORDER, NOW, held=True)
    assert other.claim(NOW, SECOND)


def test_the_first_look_takes_what_is_old_by_the_wall_clock(engine: Engine) -> None:
    claimed(engine)
    assert not Abandoned(Queue(engine, "early"), PATIENCE).take(NOW + OLD, 0.0), "it may ring"
    assert len(Abandoned(Queue(engine, "late"), PATIENCE).take(NOW + OLD + SECOND, 0.0)) == 2


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_clock_that_is_put_takes_none_that_rings_and_leaves_none_of_the_dead(
    engine: Engine, jump: timedelta
) -> None:
    claimed(engine)
    abandoned = Abandoned(Queue(engine, "other"), PATIENCE)
    assert abandoned.take(NOW, 0.0) == []
    assert abandoned.take(NOW + jump + OLD, PATIENCE) == []
    assert len(abandoned.take(NOW + jump + OLD + SECOND, PATIENCE + 1)) == 2
    assert abandoned.take(NOW + jump + OLD + 2 * SECOND, PATIENCE + 2) == [], "they are ours now"
    assert len(abandoned.take(NOW + jump + 3 * OLD, 3 * PATIENCE)) == 2
