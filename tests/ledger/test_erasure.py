"""What is erased is gone, from the file too; what goes on stays."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from ledger.database import open_ledger
from ledger.erasure import erase_call, erase_caller, erase_older
from ledger.tables import CallRow, DialRow, EventRow, LegRow, ToolCallRow, TurnRow
from tests.ledger.rows import START, call_values, turn_values

NUMBER, OTHER = "+15550142424", "+15550143434"
SAID = "the words of somebody who will be forgotten"


def dial(key: str, number: str, state: str) -> DialRow:
    return DialRow(
        id=key, to_number=number, from_number="+15550100", persona="clerk", vars={},
        asked_at=START, due_at=START, state=state, attempts=0,
    )  # fmt: skip


@pytest.fixture
def calls(engine: Engine) -> Engine:
    over = {"ended_at": START, "outcome": "answered"}
    with Session(engine) as session, session.begin():
        session.add(CallRow(**call_values("in", recording="calls/in.ogg", **over)))
        out = {"direction": "outbound", "from_number": "+15550100", "to_number": NUMBER}
        session.add(CallRow(**call_values("out") | out | over))
        later = {"ended_at": START + timedelta(days=9), "outcome": "answered"}
        session.add(CallRow(**call_values("other", from_number=OTHER) | later))
        session.add(CallRow(**call_values("live")))
        session.flush()
        for table in (TurnRow, EventRow, ToolCallRow, LegRow):
            common = {"call_id": "in"}
            values = {
                TurnRow: turn_values(0, "in", text=SAID),
                EventRow: common | {"at": START, "kind": "state"},
                ToolCallRow: common | {"at": START, "tool": "note"},
                LegRow: common | {"identity": "caller", "joined_at": START},
            }[table]
            session.add(table(**values))
        passed_on = {"identity": f"sip_{NUMBER}", "number": NUMBER, "joined_at": START}
        session.add(LegRow(call_id="other", **passed_on))
        session.add_all([dial("d1", NUMBER, "done"), dial("d2", NUMBER, "waiting")])
        session.add_all([dial("d3", NUMBER, "dialling"), dial("d4", OTHER, "done")])
    return engine


def left(engine: Engine) -> set[str]:
    with Session(engine) as session:
        return {*session.scalars(select(CallRow.id)), *session.scalars(select(DialRow.id))}


def test_a_call_goes_with_all_that_is_known_of_it(calls: Engine) -> None:
    erased = erase_call(calls, "in")
    assert (erased.calls, erased.recordings) == (("in",), ("calls/in.ogg",))
    with Session(calls) as session:
        for table in (TurnRow, EventRow, ToolCallRow):
            assert session.scalar(select(func.count()).select_from(table)) == 0
    assert erase_call(calls, "in").calls == ()


def test_a_call_that_goes_on_is_kept_and_said(calls: Engine) -> None:
    erased = erase_call(calls, "live")
    assert (erased.calls, erased.kept) == ((), ("live",))
    assert "live" in left(calls)


def test_a_caller_is_erased_in_and_out_and_from_the_queue(calls: Engine) -> None:
    erased = erase_caller(calls, NUMBER)
    assert set(erased.calls) == {"in", "out"}
    assert (erased.kept, erased.dials) == (("live",), 2)
    assert left(calls) == {"other", "live", "d3", "d4"}
    with Session(calls) as session:
        leg = session.scalars(select(LegRow).where(LegRow.call_id == "other")).one()
        assert (leg.number, leg.identity) == (None, "")


def test_our_own_number_is_nobodys(calls: Engine) -> None:
    assert erase_caller(calls, "+15550100").calls == ()


def test_calls_that_ended_before_a_moment_go(calls: Engine) -> None:
    erased = erase_older(calls, START + timedelta(days=1))
    assert set(erased.calls) == {"in", "out"}
    assert left(calls) == {"other", "live", "d2", "d3"}


def test_nothing_of_it_is_left_in_the_files(tmp_path: Path) -> None:
    engine = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    with Session(engine) as session, session.begin():
        session.add(CallRow(**call_values(ended_at=START, outcome="answered")))
        session.flush()
        session.add(TurnRow(**turn_values(text=SAID)))
    files = list(tmp_path.iterdir())
    assert any(SAID.encode() in file.read_bytes() for file in files)
    erase_caller(engine, NUMBER)
    assert not any(SAID.encode() in file.read_bytes() for file in tmp_path.iterdir())
    engine.dispose()
