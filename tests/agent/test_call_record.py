"""What the ledger is told of a call, in whole talks."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.call import Call, CallRequest, Outcome
from agent.persona import Persona
from agent.record import BEAT, CallRecord, outcome_of
from ledger.calls import read_call
from ledger.database import open_ledger
from ledger.tables import CallRow, EventRow, LegRow, ToolCallRow, TurnRow
from ledger.writer import Writer
from tests.agent.tools.scene import ToolScene, use
from tests.fakes.caller import Caller
from tests.fakes.models import Reply
from tests.fakes.notebook import Notebook
from tests.fakes.talk import STORY, talk
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Good day.")
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
INBOUND = CallRequest.model_validate(
    {"direction": "inbound", "persona": "clerk", "to": "+15550100"}
)
CALLER = {"sip.phoneNumber": "+15550142424", "sip.callID": "SCL_1"}


def record_of(call: Call, book: Notebook | None, **more: Any) -> CallRecord:
    def now() -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    return CallRecord(call, book, room="call-1", key="AJ_1", clock=now, seen_by=now, **more)


def states(book: Notebook) -> list[str]:
    return [row["details"]["state"] for row in book.of(EventRow) if row["kind"] == "state"]


@on_virtual_time
async def test_a_call_has_its_row_from_the_start_to_the_end() -> None:
    book, call = Notebook(), Call(id="call-1", started_at=0.0)
    record = record_of(call, book)
    call.connecting()
    record.asked(INBOUND)
    assert book.of(CallRow) == []  # the bridge's id comes with the caller
    await asyncio.sleep(1.0)
    record.joined(INBOUND.with_sip(CALLER), "sip_+15550142424", CALLER)
    row = book.only_call
    assert (row["id"], row["state"], row["persona"]) == ("SCL_1", "connecting", "clerk")
    assert (row["from_number"], row["to_number"]) == ("+15550142424", "+15550100")
    call.active(1.0)
    record.went_on()
    assert row["state"] == "active"
    assert row["answered_at"] - row["started_at"] == timedelta(seconds=1)
    await asyncio.sleep(60.0)
    call.stopping("caller hung up")
    record.end()
    assert states(book) == ["connecting", "active", "stopping"]
    assert (row["state"], row["outcome"]) == ("ended", "answered")
    assert row["end_reason"] == "caller hung up"
    assert row["usage"]["line_seconds"] == 61.0
    (leg,) = book.of(LegRow)
    assert (leg["number"], leg["sip_call_id"]) == ("+15550142424", "SCL_1")
    assert leg["left_at"] - leg["joined_at"] == timedelta(seconds=60)


@on_virtual_time
async def test_a_recording_is_told_with_the_moment_at_which_it_begins() -> None:
    book, call = Notebook(), Call(id="call-1", started_at=0.0)
    record = record_of(call, book)
    record.joined(INBOUND, "caller", CALLER)
    record.recorded(None, None)
    assert [row["kind"] for row in book.of(EventRow)].count("recording") == 0
    record.recorded("/data/c1.ogg", START + timedelta(seconds=2))
    (begun,) = [row for row in book.of(EventRow) if row["kind"] == "recording"]
    assert begun["at"] == START + timedelta(seconds=2)
    assert book.only_call["recording"] == "/data/c1.ogg"
    record.end()


@on_virtual_time
async def test_a_call_that_waited_was_answered_then_and_its_place_is_free_when_it_stops() -> None:
    book, call = Notebook(), Call(id="call-1", started_at=0.0)
    record = record_of(call, book, cost=lambda seconds, models: seconds / 100 + len(models))
    record.joined(INBOUND.with_sip(CALLER), "caller", CALLER | {"sip.h.x-twilio-callsid": "CA7"})
    row = book.only_call
    assert row["carrier_call_id"] == "CA7"
    record.note(place="held")
    record.answered()
    record.happened("queue", position=1)
    await asyncio.sleep(30.0)
    call.connecting()
    call.active(30.0)
    record.went_on()
    assert (row["answered_at"], row["place"]) == (row["started_at"], "held")
    await asyncio.sleep(60.0)
    call.stopping("caller hung up")
    record.went_on()
    assert row["place"] == "none"
    record.end()
    assert (row["line_seconds"], row["cost"]) == (90.0, pytest.approx(0.9))
    assert {"position": 1} in [event["details"] for event in book.of(EventRow)]


@on_virtual_time
async def test_a_call_that_is_alive_says_so_and_one_that_is_over_no_longer() -> None:
    book, call = Notebook(), Call(id="call-1", started_at=0.0)
    record = record_of(call, book)
    record.asked(CallRequest(direction="outbound", call_id="out-1", to="+15550142424"))
    row = book.only_call
    assert row["id"] == "out-1"
    began = row["seen_at"]
    call.heard_seconds = 7.5
    await asyncio.sleep(10 * BEAT + 0.1)
    assert row["seen_at"] - began == timedelta(seconds=10 * BEAT)
    assert row["heard_seconds"] == 7.5
    call.stopping("nobody came into the room")
    record.end()
    ended = row["seen_at"]
    await asyncio.sleep(10 * BEAT)
    assert row["seen_at"] == ended == row["ended_at"]
    assert row["outcome"] == "no_answer"


@on_virtual_time
async def test_a_call_that_fails_before_anybody_is_there_is_written_too() -> None:
    book, call = Notebook(), Call(id="call-1", started_at=0.0)
    record = record_of(call, book)
    call.failed("there is no persona nobody")
    await record.close()
    row = book.only_call
    assert (row["id"], row["room"]) == ("AJ_1", "call-1")
    assert (row["state"], row["outcome"]) == ("error", "failed")
    assert row["end_reason"] == "there is no persona nobody"
    assert book.closed


@pytest.mark.parametrize(
    ("connected", "said", "error", "outcome"),
    [
        (None, None, None, Outcome.NO_ANSWER),
        (1.0, None, None, Outcome.ANSWERED),
        (1.0, Outcome.MACHINE, None, Outcome.MACHINE),
        (None, Outcome.BUSY, None, Outcome.BUSY),
        (1.0, Outcome.ANSWERED, "ValueError", Outcome.FAILED),
    ],
)
def test_what_comes_of_a_call(
    connected: float | None, said: Outcome | None, error: str | None, outcome: Outcome
) -> None:
    call = Call(id="c1", started_at=0.0, connected_at=connected, outcome=said, error=error)
    assert outcome_of(call) is outcome


@on_virtual_time
async def test_turns_stand_as_they_were_heard_with_their_latencies() -> None:
    book = Notebook()
    async with talk(PERSONA, [STORY, "From nine."]) as scene:
        record = record_of(scene.conversation.call, book)
        record.asked(CallRequest(call_id="c1"))
        record.watch(scene.session)
        await scene.told()
        await scene.caller.speak(1.0, "When do you open?", interims=[(0.4, "When do you open?")])
        await scene.until_said("From nine.")
    record.end()
    turns = book.of(TurnRow)
    history = [message.text_content for message in scene.session.history.messages()]
    assert [turn["text"] for turn in turns] == history[1:]  # the greeting was before
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant"]
    assert [turn["interrupted"] for turn in turns] == [False, True, False, False]
    assert turns[2]["latencies"]["end_of_turn_delay"] > 0
    assert turns[3]["latencies"]["llm_node_ttft"] >= 0
    assert "started_speaking_at" not in turns[3]["latencies"]
    assert [row["kind"] for row in book.of(EventRow)].count("interruption") == 1


@on_virtual_time
async def test_a_tool_stands_with_what_it_was_asked_and_what_came_of_it() -> None:
    book = Notebook()
    digits = {"type": "collect_digits", "name": "order", "description": "The order's number."}
    scene = ToolScene(
        [digits | {"max_digits": 4, "min_digits": 4}],
        [use("order", "Your order, please."), use("nobody", "Hm.", why="no such tool")],
    )
    async with scene:
        record = record_of(scene.call, book)
        record.asked(CallRequest(call_id="c1"))
        record.watch(scene.session)
        scene.session.generate_reply(user_input="Where is my order?")
        await asyncio.sleep(2)
        (row,) = book.of(ToolCallRow)
        assert (row["tool"], row["arguments"], row.get("result")) == ("order", {}, None)
        scene.telephone.keys("4929")
        await asyncio.sleep(2)
        assert "4929" in row["result"]
        assert not row["failed"]
        assert row["seconds"] > 0


@on_virtual_time
async def test_a_tool_at_work_when_the_call_ends_is_told_so() -> None:
    book = Notebook()
    digits = {"type": "collect_digits", "name": "order", "description": "The order's number."}
    async with ToolScene([digits], [use("order", "Your order, please.")]) as scene:
        record = record_of(scene.call, book)
        record.asked(CallRequest(call_id="c1"))
        record.watch(scene.session)
        scene.session.generate_reply(user_input="Where is my order?")
        await asyncio.sleep(2)
        record.end()
    (row,) = book.of(ToolCallRow)
    assert (row["failed"], row["result"]) == (True, "the call ended")


@on_virtual_time
async def test_masked_digits_are_nowhere_in_the_record() -> None:
    book, caller = Notebook(), Caller()
    pin = {
        "type": "collect_digits",
        "name": "card_pin",
        "description": "The PIN of the caller's card.",
        "min_digits": 8,
        "max_digits": 8,
        "masked": True,
        "show_last": 1,
    }
    uses = [use("card_pin", "Your PIN, please."), Reply("Thank you.")]
    async with ToolScene([pin], uses, caller=caller) as scene:
        record = record_of(scene.call, book)
        record.asked(CallRequest(call_id="c1"))
        record.watch(scene.session)
        scene.session.generate_reply(user_input="I want to pay.")
        await asyncio.sleep(2)
        scene.telephone.keys("4938")
        await caller.speak(1.0, "one six two seven", interims=[(0.5, "one six")])
        await asyncio.sleep(5)
    record.end()
    written = repr(book.rows)
    assert "I want to pay." in written
    assert "'last_digits': '7'" in written.replace('"', "'")
    for secret in ("49381627", "4938", "1627", "one six"):
        assert secret not in written


@on_virtual_time
async def test_without_a_ledger_nothing_is_written_and_nothing_fails() -> None:
    call = Call(id="call-1", started_at=0.0)
    record = record_of(call, None)
    record.asked(INBOUND)
    record.joined(INBOUND.with_sip(CALLER), "sip_+15550142424", CALLER)
    record.note(summary="They asked for the hours.")
    call.stopping("caller hung up")
    await record.close()


async def test_a_real_ledger_holds_the_call(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    call, writer = Call(id="call-1", started_at=0.0), Writer(lambda: open_ledger(url))
    record = CallRecord(call, writer, room="call-1", key="AJ_1")
    call.connecting()
    record.asked(INBOUND)
    record.joined(INBOUND.with_sip(CALLER), "sip_+15550142424", CALLER)
    record.note(recording="calls/SCL_1.ogg")
    call.active(1.0)
    call.stopping("caller hung up")
    record.end()
    await asyncio.to_thread(writer.close, 30.0)
    engine = open_ledger(url)
    found = read_call(engine, "SCL_1", numbers=True)
    engine.dispose()
    assert found is not None
    assert found["recording"] == "calls/SCL_1.ogg"
    assert found["outcome"] == "answered"
    assert found["legs"][0]["left_at"] == found["ended_at"]
