"""Past calls over HTTP: filters, search, export, and how each answer was made up."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

from ledger.tables import TurnRow
from tests.ledger.rows import START, turn_values
from tests.web.rig import CALLER, Rig
from web.server.keys import Scope

ENDED: dict[str, Any] = {"ended_at": START, "state": "ended", "outcome": "answered"}


async def ids(rig: Rig, query: str) -> list[str]:
    status, page = await rig.get(f"/v1/calls?{query}", Scope.CALLS_READ, Scope.CALLS_NUMBERS)
    assert status == 200, page
    return [call["id"] for call in page["calls"]]


async def test_calls_are_filtered_by_state_direction_and_test(rig: Rig) -> None:
    rig.call("live", started_at=START)
    rig.call("out", started_at=START, direction="outbound", **ENDED)
    rig.call("tried", started_at=START, direction="room", test=True, **ENDED)
    assert await ids(rig, "state=active") == ["live"]
    assert await ids(rig, "direction=outbound") == ["out"]
    assert await ids(rig, "test=true") == ["tried"]
    assert await ids(rig, "test=false&state=ended") == ["out"]


async def test_calls_are_found_by_words_and_by_the_end_of_a_number(rig: Rig) -> None:
    rig.call("c1", from_number=CALLER)
    rig.call("c2", from_number=None)
    rig.write(TurnRow, **turn_values(1, "c2", text="Where is my refund?"))
    assert await ids(rig, "text=REFUND") == ["c2"]
    assert await ids(rig, f"text={CALLER[-4:]}") == ["c1"]
    assert await ids(rig, "text=refund&persona=nobody") == []


async def test_nobody_guesses_a_number_by_searching_for_it(rig: Rig) -> None:
    rig.call(from_number=CALLER)
    rig.write(TurnRow, **turn_values(text=f"it is {CALLER}"))
    for text in ("1", "is %2B1", "\u0661"):
        for path in (f"/v1/calls?text={text}", f"/v1/export?format=text&text={text}"):
            status, said = await rig.get(path, Scope.CALLS_READ)
            assert (status, said["error"]["code"]) == (403, "forbidden")
    assert (await rig.get("/v1/calls?text=it", Scope.CALLS_READ))[0] == 200


async def test_an_empty_search_is_named(rig: Rig) -> None:
    for text in ("%20", "%00", "x" * 101):
        status, said = await rig.get(f"/v1/calls?text={text}")
        assert (status, "text" in said["error"]["message"]) == (422, True)


async def test_a_call_shows_where_the_time_of_each_answer_went(rig: Rig) -> None:
    rig.call()
    heard = {"transcription_delay": 0.3, "end_of_turn_delay": 0.4}
    spoken = {"llm_node_ttft": 0.2, "tts_node_ttfb": 0.1, "e2e_latency": 0.8}
    rig.write(TurnRow, **turn_values(1, latencies=heard))
    rig.write(TurnRow, **turn_values(2, role="assistant", latencies=spoken))
    _, call = await rig.get("/v1/calls/c1")
    question, answer = call["turns"]
    assert question["parts"] == {}
    assert answer["parts"]["whole"] == 0.8
    assert answer["parts"]["speak"] == 0.1


async def text_of(rig: Rig, path: str, *scopes: Scope) -> tuple[str, str]:
    """Its media type and what it holds."""
    async with rig.http.get(path, headers=rig.headers(*scopes)) as answer:
        assert answer.status == 200
        assert "attachment" in answer.headers["Content-Disposition"]
        return answer.content_type, await answer.text()


async def test_calls_are_taken_away_the_oldest_first_and_masked(rig: Rig) -> None:
    rig.call("c2", started_at=START + timedelta(days=1), from_number=CALLER, **ENDED)
    rig.call("c1", started_at=START, from_number=CALLER, recording="/data/c1.ogg", **ENDED)
    rig.write(TurnRow, **turn_values(1, "c1", text=f"=call {CALLER}", interrupted=True))
    kind, lines = await text_of(rig, "/v1/export?format=json", Scope.CALLS_READ)
    calls = [json.loads(line) for line in lines.splitlines()]
    assert (kind, [call["id"] for call in calls]) == ("application/x-ndjson", ["c1", "c2"])
    assert not {"room", "worker", "recording"} & calls[0].keys()
    kind, table = await text_of(rig, "/v1/export?format=csv&before=2026-03-03T00:00:00Z")
    (row,) = csv.DictReader(io.StringIO(table))
    assert (kind, row["id"], row["from_number"], row["recording"]) == ("text/csv", "c1", "…42", "")
    kind, text = await text_of(rig, "/v1/export?format=text")
    assert (kind, "1.0  user: =call [number] [cut off]" in text) == ("text/plain", True)
    for each in (lines, table, text):
        assert CALLER not in each


async def test_one_call_is_taken_away_and_whole_for_who_may_see_numbers(rig: Rig) -> None:
    rig.call(from_number=CALLER)
    for form in ("json", "csv", "text"):
        path = f"/v1/calls/c1/export?format={form}"
        _, masked = await text_of(rig, path)
        _, whole = await text_of(rig, f"{path}&numbers=true")
        assert (CALLER in masked, CALLER in whole) == (False, True)
    status, _ = await rig.get("/v1/calls/c1/export?format=csv&numbers=true", Scope.CALLS_READ)
    assert status == 403
    status, said = await rig.get("/v1/calls/nobody/export?format=csv")
    assert (status, said["error"]["code"]) == (404, "no_such_call")


async def test_where_there_are_no_calls_a_table_has_its_head(rig: Rig) -> None:
    _, table = await text_of(rig, "/v1/export?format=csv")
    assert table.startswith("id,direction,persona,")
    assert len(table.splitlines()) == 1
