"""Calls a page at a time: by their columns, by what was said, by the end of a number."""

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ledger.calls import Wanted
from ledger.search import find_page
from ledger.tables import CallRow, TurnRow
from tests.ledger.rows import START, call_values, turn_values

COUNT = 12


@pytest.fixture
def calls(engine: Engine) -> Engine:
    """Two begin at a time. Every third says something of its own."""
    with Session(engine) as session, session.begin():
        for n in range(COUNT):
            own = {"from_number": f"+1555014{n:04}", "started_at": START + timedelta(hours=n // 2)}
            session.add(CallRow(**call_values(f"c{n:02}", **own)))
        session.flush()
        for n in range(0, COUNT, 3):
            said = turn_values(1, f"c{n:02}", text=f"I want a Refund, 50% of {n}. ÄRGER_")
            session.add(TurnRow(**turn_values(0, f"c{n:02}", text="hello")))
            session.add(TurnRow(**said))
    return engine


def all_pages(engine: Engine, wanted: Wanted, limit: int, window: int) -> list[str]:
    """As a client turns them."""
    found: list[str] = []
    for _ in range(3 * COUNT):
        page = find_page(engine, wanted, limit, window)
        assert len(page.calls) <= limit
        found += [call.id for call in page.calls]
        if page.next is None:
            return found
        wanted = Wanted(text=wanted.text, direction=wanted.direction, after=page.next)
    raise AssertionError("the pages never end")


SAID = ["c09", "c06", "c03", "c00"]


def test_pages_of_a_search_hold_each_call_once_however_little_is_looked_at(calls: Engine) -> None:
    for limit, window in itertools.product((1, 2, 5), (1, 4, 5, 100)):
        found = all_pages(calls, Wanted(text="refund"), limit, window)
        assert found == SAID, (limit, window)


def test_pages_without_a_search_hold_each_call_once(calls: Engine) -> None:
    for limit in (1, 3, 12, 50):
        found = all_pages(calls, Wanted(), limit, 4)
        assert sorted(found) == [f"c{n:02}" for n in range(COUNT)], limit
        assert found[:4] == ["c10", "c11", "c08", "c09"]


def test_a_search_says_how_far_it_has_looked(calls: Engine) -> None:
    page = find_page(calls, Wanted(text="refund"), 5, window=4)
    assert [call.id for call in page.calls] == ["c09"]
    assert page.searched == START + timedelta(hours=4)
    assert page.next is not None
    whole = find_page(calls, Wanted(text="refund"), 5, window=100)
    assert (whole.next, whole.searched) == (None, None)


def test_words_are_found_in_any_case_and_signs_as_they_are(calls: Engine) -> None:
    for text in ("REFUND", "50%", "ärger", "Ärger", "r_", "want a"):
        assert all_pages(calls, Wanted(text=text), 20, 100) == SAID, text
    for text in ("refunds", "5_%", "%refund", "w_nt"):
        assert all_pages(calls, Wanted(text=text), 20, 100) == [], text


def test_digits_find_the_end_of_a_number(calls: Engine) -> None:
    for text in ("0140007", "+1 (555) 014-0007", "40007"):
        assert all_pages(calls, Wanted(text=text), 20, 100) == ["c07"], text


def test_a_search_keeps_to_the_other_filters(calls: Engine) -> None:
    assert all_pages(calls, Wanted(text="refund", direction="outbound"), 5, 4) == []
    early = Wanted(text="refund", before=START + timedelta(hours=2))
    assert [call.id for call in find_page(calls, early, 5).calls] == ["c03", "c00"]
