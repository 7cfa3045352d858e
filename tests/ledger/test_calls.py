"""Finding and reading calls."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ledger.calls import Wanted, find_calls, read_call, read_calls
from ledger.export import write_csv, write_json_lines
from ledger.tables import CallRow, EventRow, LegRow, ToolCallRow, TurnRow
from tests.ledger.rows import START, call_values, turn_values

CARD = "4111 1111 1111 1111"


@pytest.fixture
def calls(engine: Engine) -> Engine:
    """Three, a day apart; the second has all that a call can have."""
    day = timedelta(days=1)
    own: tuple[dict[str, Any], ...] = (
        {"outcome": "answered", "ended_at": START},
        {"outcome": "failed", "persona": "nurse", "ended_at": START + day},
        {"from_number": "+15550143434"},
    )
    with Session(engine) as session, session.begin():
        for n, values in enumerate(own):
            session.add(CallRow(**call_values(f"c{n}", started_at=START + n * day, **values)))
        session.flush()
        session.add(
            LegRow(
                call_id="c1", identity="sip_+15550142424", number="+15550142424", joined_at=START
            )
        )
        session.add(EventRow(call_id="c1", at=START, kind="state", details={"state": "active"}))
        said = f"=My card is {CARD}."
        session.add(TurnRow(**turn_values(1, "c1", text=said, latencies={"e2e_latency": 0.8})))
        session.add(
            TurnRow(**turn_values(0, "c1", role="assistant", text="Good day.", interrupted=True))
        )
        session.add(
            ToolCallRow(call_id="c1", at=START, tool="note", arguments={"phone": 15550142424})
        )
    return engine


def found(engine: Engine, wanted: Wanted, limit: int | None = None) -> list[str]:
    return [call.id for call in find_calls(engine, wanted, limit)]


def test_calls_are_found_by_what_is_wanted_newest_first(calls: Engine) -> None:
    assert found(calls, Wanted()) == ["c2", "c1", "c0"]
    assert found(calls, Wanted(), limit=2) == ["c2", "c1"]
    assert found(calls, Wanted(since=START + timedelta(days=1))) == ["c2", "c1"]
    assert found(calls, Wanted(before=START + timedelta(days=1))) == ["c0"]
    assert found(calls, Wanted(persona="nurse")) == ["c1"]
    assert found(calls, Wanted(outcome="answered")) == ["c0"]
    assert found(calls, Wanted(number="+15550143434")) == ["c2"]
    assert found(calls, Wanted(number="+15550100", outcome="failed")) == ["c1"]


def test_a_call_is_read_whole_in_the_order_of_its_turns(calls: Engine) -> None:
    call = read_call(calls, "c1", numbers=True)
    assert call is not None
    assert call["started_at"] == "2026-03-03T09:30:00.000+00:00"
    assert call["from_number"] == "+15550142424"
    assert [turn["text"] for turn in call["turns"]] == ["Good day.", f"=My card is {CARD}."]
    assert call["turns"][1]["latencies"] == {"e2e_latency": 0.8}
    assert call["legs"][0]["identity"] == "sip_+15550142424"
    assert call["tool_calls"][0]["arguments"] == {"phone": 15550142424}
    assert call["events"][0] == {
        "at": "2026-03-02T09:30:00.000+00:00",
        "kind": "state",
        "details": {"state": "active"},
    }


def test_numbers_and_cards_stay_in_unless_asked_for(calls: Engine) -> None:
    call = read_call(calls, "c1")
    assert call is not None
    assert call["from_number"] == "…24"
    assert call["turns"][1]["text"] == "=My card is [card]."
    whole = json.dumps(list(read_calls(calls, Wanted())), ensure_ascii=False)
    assert "0142424" not in whole
    assert "4111" not in whole


def test_a_call_that_is_not_there(engine: Engine) -> None:
    assert read_call(engine, "c9") is None


def test_json_lines_hold_a_call_each_oldest_first(calls: Engine) -> None:
    out = io.StringIO()
    write_json_lines(read_calls(calls, Wanted()), out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["id"] for line in lines] == ["c0", "c1", "c2"]
    assert lines[1] == read_call(calls, "c1")


def test_csv_holds_a_line_a_call_and_no_formula(calls: Engine) -> None:
    out = io.StringIO()
    with Session(calls) as session, session.begin():
        session.add(TurnRow(**turn_values(0, "c2", role="=cmd", text="x")))
    write_csv(read_calls(calls, Wanted(), numbers=True), out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["id"] for row in rows] == ["c0", "c1", "c2"]
    assert rows[1]["turns"] == "2"
    assert rows[1]["interruptions"] == "1"
    assert rows[1]["from_number"] == "+15550142424"
    assert rows[1]["transcript"] == f"assistant: Good day.\nuser: =My card is {CARD}."
    assert rows[2]["transcript"] == "'=cmd: x"
