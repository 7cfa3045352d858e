"""Test rooms: who gets a ticket, and what it is good for."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest
from livekit import api
from pydantic import SecretStr

from agent.call import CallRequest
from sip.reaper import Room
from tests.web.browser import browser, code
from tests.web.rig import LIVEKIT, LIVEKIT_SECRET, PERSONA, Rig, serving
from web.server.entry import Entry
from web.server.keys import Scope
from web.server.limits import Limiter
from web.server.tickets import JOIN, ON_THE_WAY, Tickets

KEY = "APItest"

WANTED = {"persona": "clerk", "vars": {"shop": "Florist"}}


PLENTY = 1000.0


def tickets(most: int = 4, *, by_address: float = PLENTY, in_all: float = PLENTY) -> Tickets:
    """As many as that from one address, and in all."""
    return Tickets(
        LIVEKIT,
        KEY,
        SecretStr(LIVEKIT_SECRET),
        most,
        "clerk",
        by_address=Limiter(rate=0.001, burst=by_address),
        in_all=Limiter(rate=0.001, burst=in_all),
    )


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Rig]:
    """On this machine alone, where nobody signs in."""
    async with serving(tmp_path, entry=Entry(is_open=True), tickets=tickets()) as rig:
        yield rig


async def test_a_ticket_is_for_one_room_and_brings_the_agent_that_was_chosen(room: Rig) -> None:
    async with browser(room) as http, http.post("/room/token", json=WANTED) as answer:
        assert answer.status == 200
        ticket = await answer.json()
    assert ticket.keys() == {"url", "token", "room", "identity", "call_id"}
    assert ticket["url"] == LIVEKIT
    claims = api.TokenVerifier(KEY, LIVEKIT_SECRET).verify(ticket["token"])
    video = claims.video
    assert video is not None
    assert (video.room, video.room_join) == (ticket["room"], True)
    assert (video.can_publish_sources, video.can_publish_data) == (["microphone"], True)
    for grant in ("room_create", "room_list", "room_admin", "room_record", "hidden", "agent"):
        assert not getattr(video, grant), grant
    assert not video.can_update_own_metadata
    assert (claims.identity, claims.kind) == (ticket["identity"], "")
    assert not (claims.room_config and claims.room_config.agents)
    ((asked, name, metadata),) = room.switchboard.asked
    assert (asked, name) == ("bring the agent", ticket["room"])
    assert CallRequest.parse(metadata) == CallRequest(
        direction="room",
        persona="clerk",
        vars={"shop": "Florist"},
        call_id=ticket["call_id"],
        test=True,
    )
    until = jwt.decode(ticket["token"], options={"verify_signature": False})["exp"]
    assert until - time.time() <= JOIN.total_seconds() <= 120
    async with browser(room) as http, http.post("/room/token", json=WANTED) as answer:
        assert (await answer.json())["room"] != ticket["room"]


STRANGERS: tuple[tuple[dict[str, str], str], ...] = (
    ({"Sec-Fetch-Site": "cross-site"}, "foreign_page"),
    ({"Sec-Fetch-Site": "same-site"}, "foreign_page"),
    ({"Origin": "https://evil.example"}, "foreign_page"),
    ({"Origin": "null"}, "foreign_page"),
    ({}, "unauthorized"),
    ({"Sec-Fetch-Site": "none"}, "unauthorized"),
    ({"Sec-Fetch-Site": "same-origin", "Host": "evil.example"}, "wrong_host"),
    ({"Origin": "http://evil.example", "Host": "evil.example"}, "wrong_host"),
    ({"Sec-Fetch-Site": "same-origin", "Host": "["}, "wrong_host"),
    ({"Sec-Fetch-Site": "same-origin", "X-Forwarded-For": "203.0.113.9"}, "wrong_host"),
    (
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://calls.example.com"},
        "wrong_host",
    ),
    ({"Authorization": "Bearer parley_none"}, "unauthorized"),
)
"""What they send, and how they are refused."""


async def test_whoever_is_no_page_of_ours_on_this_machine_gets_nothing(room: Rig) -> None:
    for headers, refusal in STRANGERS:
        for asking in (
            room.http.post("/room/token", json=WANTED, headers=headers),
            room.http.get("/v1/calls", headers=headers),
            room.http.delete("/v1/calls/c1", headers=headers),
        ):
            assert await code(asking) == refusal, headers


async def test_an_older_browser_is_known_by_its_origin(room: Rig) -> None:
    headers = {"Origin": room.url}
    async with room.http.post("/room/token", json=WANTED, headers=headers) as answer:
        assert answer.status == 200


async def test_a_page_learns_whom_to_talk_to_once_somebody_is_signed_in(room: Rig) -> None:
    (room.folder / "personas" / "broken.yaml").write_text("name: broken")
    greeter = PERSONA.replace("clerk", "anna").replace("Hello.", "'{{shop}}, hello.'")
    (room.folder / "personas" / "anna.yaml").write_text(greeter)
    async with browser(room) as http, http.get("/room/config") as answer:
        config = await answer.json()
    assert config.pop("version")
    talker = {"language": "en", "variables": {"shop": "Bakery"}}
    assert config == {
        "livekit_url": LIVEKIT,
        "login": "none",
        "signed_in": True,
        "personas": [
            talker | {"name": "clerk", "greeting": "Hello."},
            talker | {"name": "anna", "greeting": "Bakery, hello."},
        ],
    }
    async with room.http.get("/room/config") as answer:
        stranger = await answer.json()
    assert (stranger["personas"], stranger["signed_in"]) == ([], False)


WRONG: tuple[tuple[dict[str, object], str], ...] = (
    ({"persona": "nobody"}, "wrong_persona"),
    ({"persona": "../clerk"}, "invalid"),
    ({"persona": "clerk", "vars": {"size": "L"}}, "wrong_persona"),
    ({"persona": "clerk", "vars": {"shop": "x" * 1001}}, "invalid"),
    ({"persona": "clerk", "room": "call-1"}, "invalid"),
)


async def test_what_cannot_be_talked_to_is_refused_before_anybody_waits(room: Rig) -> None:
    async with browser(room) as http:
        for body, refusal in WRONG:
            assert await code(http.post("/room/token", json=body)) == refusal, body


async def test_a_key_needs_the_scope(room: Rig) -> None:
    status, _ = await room.ask("POST", "/room/token", Scope.CALLS_READ, json=WANTED)
    assert status == 403
    status, said = await room.ask("POST", "/room/token", Scope.CALLS_WRITE, json=WANTED)
    assert (status, said["url"]) == (200, LIVEKIT)


async def test_there_are_no_more_rooms_than_may_be(tmp_path: Path) -> None:
    async with serving(tmp_path, entry=Entry(is_open=True), tickets=tickets(most=2)) as rig:
        rig.switchboard.calls = [Room("call-1", 1.0, 1, 1), Room("room-1", 1.0, 1, 1)]
        async with browser(rig) as http:
            async with http.post("/room/token", json=WANTED) as answer:
                assert answer.status == 200
            # The first may not have been joined yet.
            assert await code(http.post("/room/token", json=WANTED)) == "too_many_rooms"
            rig.switchboard.away = True
            assert await code(http.post("/room/token", json=WANTED)) == "livekit_unavailable"


def test_a_ticket_that_nobody_used_makes_room_again() -> None:
    rooms = tickets(most=1)
    assert not rooms.are_out([], 100.0)
    given = rooms.new("clerk", {}, 100.0)
    assert rooms.are_out([], 100.0 + ON_THE_WAY / 2)
    assert rooms.are_out([given.room], 500.0)
    assert not rooms.are_out(["call-1"], 100.0 + ON_THE_WAY)


@pytest.mark.parametrize(("by_address", "in_all"), [(2.0, PLENTY), (PLENTY, 2.0)])
async def test_who_asks_for_many_is_told_to_wait(
    tmp_path: Path, by_address: float, in_all: float
) -> None:
    slow = tickets(most=99, by_address=by_address, in_all=in_all)
    async with (
        serving(tmp_path, entry=Entry(is_open=True), tickets=slow) as rig,
        browser(rig) as http,
    ):
        for _ in range(2):
            async with http.post("/room/token", json=WANTED) as answer:
                assert answer.status == 200
        async with http.post("/room/token", json=WANTED) as answer:
            assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (429, True)
