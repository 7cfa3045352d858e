"""Places are given by one call at a time, whoever decides."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ledger.counts import Asked, count_calls
from ledger.database import open_ledger
from ledger.places import HELD, WAITING, deciding, put
from ledger.tables import CallRow
from tests.ledger.rows import START, call_row, call_values

CALLERS = 6
PLACES = 2
NOW = START + timedelta(seconds=10)


def test_of_all_who_ask_at_once_no_more_get_a_place_than_there_are(
    url: str, engine: Engine
) -> None:
    """As workers do: each with a connection of its own. Nobody came before the others."""
    names = [f"c{number}" for number in range(CALLERS)]
    with Session(engine) as session, session.begin():
        session.add_all(CallRow(**call_values(name, seen_at=NOW)) for name in names)
    start = threading.Barrier(CALLERS)

    def ask(name: str) -> str:
        own = open_ledger(url)
        try:
            start.wait()
            with deciding(own) as connection:
                asked = Asked(name, START - timedelta(hours=1), "clerk", None)
                counted = count_calls(
                    connection, asked, now=NOW, caller_since=START, day_since=START
                )
                place = HELD if counted.taken.total() < PLACES else WAITING
                put(connection, name, place, NOW)
            return place
        finally:
            own.dispose()

    with ThreadPoolExecutor(CALLERS) as threads:
        given = list(threads.map(ask, names))
    assert given.count(HELD) == PLACES
    assert [call_row(engine, name).place for name in names] == given
