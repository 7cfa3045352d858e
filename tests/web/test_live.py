"""The calls that go on: who is in them, what happens, and what is done to them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, get_args

import aiohttp
from sqlalchemy import update

from ledger.tables import CallRow, TurnRow
from sip.line import Line
from sip.reaper import Room
from sip.transfer import Reason
from tests.ledger.rows import turn_values
from tests.web.rig import CALLER, LINE, OURS, Rig, now
from web.server.feed import BOUND, LISTENERS, Event, Listener
from web.server.keys import Scope


def there(rig: Rig, call_id: str = "c1", **values: Any) -> None:
    """A call in the ledger and in LiveKit."""
    rig.call(call_id, **values)
    rig.switchboard.calls.append(Room(f"call-{call_id}", 12.0, 1, 1))


async def test_live_calls_are_those_of_livekit_with_what_the_ledger_knows(rig: Rig) -> None:
    there(rig, from_number=CALLER)
    rig.call("over", ended_at=now())
    rig.switchboard.calls.append(Room("call-new", 0.5, 1, 0))
    status, said = await rig.get("/v1/live", Scope.CALLS_READ)
    assert status == 200
    known, new = said["calls"]
    assert (known["id"], known["from_number"], known["persona"]) == ("c1", "…42", "clerk")
    assert (new["id"], new["persona"], new["agents"]) == ("call-new", None, 0)


async def test_a_call_is_hung_up_by_its_id_or_its_room(rig: Rig) -> None:
    there(rig)
    rig.switchboard.calls.append(Room("call-new", 0.5, 1, 0))
    assert await rig.ask("POST", "/v1/live/c1/hangup") == (204, None)
    assert await rig.ask("POST", "/v1/live/call-new/hangup") == (204, None)
    assert rig.switchboard.asked == [("hang up", "call-c1"), ("hang up", "call-new")]
    for unknown in ("c1", "call-new", "nobody"):
        status, said = await rig.ask("POST", f"/v1/live/{unknown}/hangup")
        assert (status, said["error"]["code"]) == (404, "no_such_call")


async def test_the_agent_is_told_what_to_say_once_the_call_is_active(rig: Rig) -> None:
    there(rig)
    there(rig, "c2", state="connecting")
    assert (await rig.ask("POST", "/v1/live/c1/say", json={"text": "One moment."}))[0] == 202
    assert rig.switchboard.asked == [("say", "call-c1", "One moment.")]
    status, said = await rig.ask("POST", "/v1/live/c2/say", json={"text": "One moment."})
    assert (status, said["error"]["code"]) == (409, "not_active")
    for text in ("", "x" * 1001):
        assert (await rig.ask("POST", "/v1/live/c1/say", json={"text": text}))[0] == 422


async def test_a_recording_is_stopped_and_what_there_is_of_it_kept_or_not(rig: Rig) -> None:
    there(rig)
    for asked, kept in (({}, "keep"), ({"discard": True}, "discard")):
        assert (await rig.ask("POST", "/v1/live/c1/stop-recording", json=asked))[0] == 202
        assert rig.switchboard.asked[-1] == ("stop recording", "call-c1", kept)


async def test_a_transfer_says_what_came_of_it(rig: Rig) -> None:
    there(rig)
    for failed in (None, *get_args(Reason)):
        rig.switchboard.transfer_fails = failed
        status, said = await rig.ask("POST", "/v1/live/c1/transfer", json={"to": CALLER})
        assert (status, said) == (200, {"result": failed or "transferred"})


async def test_nobody_is_transferred_where_nobody_is_called(rig: Rig) -> None:
    there(rig)
    rig.line = Line.model_validate(LINE)
    for to, rule in {
        "112": "emergency",
        "+19005550100": "premium_rate",
        "nonsense": "format",
        "+442079460000": "country",
    }.items():
        status, said = await rig.ask("POST", "/v1/live/c1/transfer", json={"to": to})
        assert (status, said["error"]["code"]) == (422, f"refused_{rule}")
    assert rig.switchboard.asked == []


async def test_a_livekit_that_is_away_is_said(rig: Rig) -> None:
    there(rig)
    rig.switchboard.away = True
    for method, path in (("GET", "/v1/live"), ("POST", "/v1/live/c1/hangup")):
        status, said = await rig.ask(method, path)
        assert (status, said["error"]["code"]) == (503, "livekit_unavailable")
    async with rig.http.get("/ready") as answer:
        assert (answer.status, (await answer.json())["livekit"]) == (503, False)


class Stream:
    """A client of the events."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self) -> tuple[str, Any]:
        """Its kind and its data; comments are passed over."""
        kind = ""
        async with asyncio.timeout(20):
            while True:
                name, _, value = (await self._answer.content.readline()).decode().partition(": ")
                if name == "event":
                    kind = value.strip()
                elif name == "data":
                    return kind, json.loads(value)


@contextlib.asynccontextmanager
async def listening(rig: Rig, *scopes: Scope) -> AsyncIterator[Stream]:
    async with rig.http.get("/v1/live/events", headers=rig.headers(*scopes)) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        stream = Stream(answer)
        assert await stream.next() == ("ready", {})
        yield stream


async def test_a_call_is_told_of_as_it_happens(rig: Rig) -> None:
    rig.call("before")
    rig.write(TurnRow, **turn_values(1, "before"))
    async with listening(rig, Scope.CALLS_READ) as stream:
        rig.call("c1", from_number=CALLER)
        kind, said = await stream.next()
        assert (kind, said["call_id"], said["from_number"]) == ("call.started", "c1", "…42")
        rig.write(TurnRow, **turn_values(1, "c1", text=f"I am {CALLER}"))
        rig.write(TurnRow, **turn_values(2, "before", text="still here"))
        turns = [await stream.next() for _ in range(2)]
        assert [(kind, said["call_id"], said["text"]) for kind, said in turns] == [
            ("turn", "c1", "I am [number]"),
            ("turn", "before", "still here"),
        ]
        with rig.engine.begin() as connection:
            over = {"ended_at": now(), "state": "ended", "outcome": "answered"}
            connection.execute(update(CallRow).where(CallRow.id == "c1").values(over))
        kind, said = await stream.next()
        assert (kind, said["call_id"], said["outcome"]) == ("call.ended", "c1", "answered")
        assert not {"room", "worker", "recording"} & said.keys()


async def test_a_call_that_was_over_between_two_looks_is_told_of(rig: Rig) -> None:
    async with listening(rig) as stream:
        rig.call("short", ended_at=now(), state="ended")
        assert [(await stream.next())[0] for _ in range(2)] == ["call.started", "call.ended"]


async def test_a_call_whose_worker_is_lost_is_told_of(rig: Rig) -> None:
    rig.call("lost")
    async with listening(rig) as stream:
        long_ago = {"seen_at": turn_values()["at"], "ended_at": turn_values()["at"]}
        with rig.engine.begin() as connection:
            connection.execute(update(CallRow).values(long_ago))
        kind, said = await stream.next()
        assert (kind, said["call_id"]) == ("call.ended", "lost")


async def test_a_client_that_goes_away_makes_room_and_the_rest_go_on(rig: Rig) -> None:
    async with listening(rig) as stays:
        for _ in range(LISTENERS + 3):  # one more than there is room for at once
            await _until_there_is_room(rig)
            async with listening(rig):
                pass
        rig.call("c1")
        assert (await stays.next())[0] == "call.started"


async def test_a_server_that_stops_says_so_to_who_listens(rig: Rig) -> None:
    async with listening(rig) as stream:
        rig.stop()
        assert await stream.next() == ("closed", {})


async def _until_there_is_room(rig: Rig) -> None:
    async with asyncio.timeout(20):
        while await _listeners(rig) >= LISTENERS:  # noqa: ASYNC110  nobody tells of it
            await asyncio.sleep(0.02)


async def _listeners(rig: Rig) -> int:
    async with rig.http.get("/metrics", headers=rig.headers()) as answer:
        for line in (await answer.text()).splitlines():
            if line.startswith("parley_web_listeners"):
                return int(float(line.split()[1]))
    raise AssertionError("no such figure")


def test_a_listener_that_does_not_keep_up_is_ended_and_not_waited_for() -> None:
    listener = Listener()
    took = [listener.tell(Event("turn")) for _ in range(BOUND + 1)]
    assert took == [True] * BOUND + [False]


async def test_without_a_line_only_what_is_never_dialled_is_refused(rig: Rig) -> None:
    there(rig)
    status, said = await rig.ask("POST", "/v1/live/c1/transfer", json={"to": OURS})
    assert (status, said) == (200, {"result": "transferred"})
    status, said = await rig.ask("POST", "/v1/live/c1/transfer", json={"to": "112"})
    assert (status, said["error"]["code"]) == (422, "refused_emergency")
