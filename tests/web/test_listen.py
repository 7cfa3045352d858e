"""Listening in: who may, what stands in the ledger of it, and what the token lets one do."""

from pathlib import Path
from typing import Any

import jwt
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.tables import EventRow, TurnRow
from sip.reaper import Room
from tests.ledger.rows import turn_values
from tests.web.rig import CALLER, Rig, now, serving
from web.server.keys import Scope
from web.server.tickets import Tickets

SECRET = "a-secret-of-thirty-two-characters"
TICKETS = Tickets("ws://127.0.0.1:7880", "key", SecretStr(SECRET))


async def listen(rig: Rig, call_id: str, *scopes: Scope) -> tuple[int, Any]:
    return await rig.ask("POST", f"/v1/live/{call_id}/listen", *scopes)


def events(rig: Rig) -> list[EventRow]:
    with Session(rig.engine) as session:
        return list(session.scalars(select(EventRow)))


async def test_who_listens_hears_one_room_unseen_and_can_send_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, tickets=TICKETS) as rig:
        rig.call()
        status, said = await listen(rig, "c1", Scope.CALLS_LISTEN)
    assert (status, said["url"]) == (200, TICKETS.url)
    token = jwt.decode(said["token"], SECRET, algorithms=["HS256"])
    assert token["exp"] - now().timestamp() <= 60
    granted = token["video"]
    assert (granted["room"], granted["roomJoin"], granted["hidden"]) == ("call-c1", True, True)
    assert granted["canSubscribe"] is True
    assert not granted["canPublish"]
    assert not granted["canPublishData"]
    assert not granted.get("roomAdmin")
    assert "roomConfig" not in token


async def test_the_ledger_says_who_listened_and_when(tmp_path: Path) -> None:
    async with serving(tmp_path, tickets=TICKETS) as rig:
        rig.call()
        before = now()
        assert (await listen(rig, "call-c1", Scope.CALLS_LISTEN))[0] == 200
        (event,) = events(rig)
    assert (event.call_id, event.kind, event.details["who"]) == ("c1", "listened", "test")
    assert before <= event.at <= now()


async def test_what_cannot_be_noted_is_not_heard(tmp_path: Path) -> None:
    async with serving(tmp_path, tickets=TICKETS) as rig:
        rig.switchboard.calls.append(Room("call-new", 0.5, 1, 0))
        rig.call("over", ended_at=now(), state="ended")
        status, said = await listen(rig, "call-new")
        assert (status, said["error"]["code"]) == (409, "not_known_yet")
        for unknown in ("nobody", "over"):
            assert (await listen(rig, unknown))[0] == 404
        assert events(rig) == []


async def test_only_its_own_scope_lets_one_listen(tmp_path: Path) -> None:
    async with serving(tmp_path, tickets=TICKETS) as rig:
        rig.call()
        others = [each for each in Scope if each not in {Scope.CALLS_LISTEN, Scope.ADMIN}]
        assert (await listen(rig, "c1", *others))[0] == 403
        assert events(rig) == []


async def test_live_calls_say_what_was_said_last_and_how_long_the_answer_took(rig: Rig) -> None:
    rig.call()
    rig.call("silent")
    rig.switchboard.calls = [Room(f"call-{name}", 9.0, 1, 1) for name in ("c1", "silent")]
    rig.switchboard.calls.append(Room("room-abc", 1.0, 1, 0))
    for n, (role, text, took) in enumerate(
        (
            ("assistant", "Good day.", {}),
            ("user", "Hello", {}),
            ("assistant", "How can I help?", {"e2e_latency": 0.62}),
            ("user", f"call {CALLER}", {"transcription_delay": 0.2}),
        )
    ):
        rig.write(TurnRow, **turn_values(n, role=role, text=text, latencies=took))
    _, said = await rig.get("/v1/live", Scope.CALLS_READ)
    talking, silent, new = said["calls"]
    assert (talking["last"]["role"], talking["last"]["text"]) == ("user", "call [number]")
    assert (talking["latency"], talking["test"]) == (0.62, False)
    assert (silent["last"], silent["latency"]) == (None, None)
    assert (new["test"], new["state"]) == (True, "connecting")
