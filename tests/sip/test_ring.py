"""Somebody is rung into a room, against a LiveKit API of our own, spoken to over a real socket."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from livekit import api

from sip.transfer import TransferError, ring
from tests.fakes.http import livekit_serving, protobuf

OURS, DESK = "+15550199", "+15550100"


def trunk(name: str, *numbers: str) -> api.SIPOutboundTrunkInfo:
    return api.SIPOutboundTrunkInfo(sip_trunk_id=name, name=name, numbers=numbers)


@dataclass
class LiveKit:
    """`refusal` is the error that a call meets: HTTP status, code and what it says of SIP."""

    trunks: list[api.SIPOutboundTrunkInfo] = field(default_factory=list)
    refusal: tuple[int, str, dict[str, str]] | None = None
    asked: list[api.CreateSIPParticipantRequest] = field(default_factory=list)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[api.LiveKitAPI]:
        app = web.Application()
        app.router.add_post("/twirp/livekit.SIP/ListSIPOutboundTrunk", self._list)
        app.router.add_post("/twirp/livekit.SIP/CreateSIPParticipant", self._create)
        async with livekit_serving(app) as client:
            yield client

    async def _list(self, _: web.Request) -> web.Response:
        return protobuf(api.ListSIPOutboundTrunkResponse(items=self.trunks))

    async def _create(self, request: web.Request) -> web.Response:
        self.asked.append(api.CreateSIPParticipantRequest.FromString(await request.read()))
        if self.refusal:
            status, code, meta = self.refusal
            return web.json_response({"code": code, "msg": "no", "meta": meta}, status=status)
        return protobuf(api.SIPParticipantInfo(sip_call_id="SCL_1"))


async def rung(livekit: LiveKit, to: str = DESK, ours: str | None = OURS) -> str:
    async with livekit.serve() as client:
        return await ring(
            client.sip, room="call-1", identity="colleague", to=to, ours=ours, ringing=20
        )


async def test_a_number_is_rung_by_the_trunk_that_has_the_calls_own() -> None:
    livekit = LiveKit([trunk("other", "+15550111"), trunk("ours", OURS, "+15550112")])
    assert await rung(livekit) == "SCL_1"
    (request,) = livekit.asked
    assert (request.sip_trunk_id, request.sip_call_to) == ("ours", DESK)
    assert (request.sip_number, request.ringing_timeout.seconds) == (OURS, 20)
    assert (request.room_name, request.participant_identity) == ("call-1", "colleague")
    assert request.wait_until_answered
    assert DESK not in request.participant_name


async def test_the_only_trunk_serves_a_call_without_a_number_of_its_own() -> None:
    livekit = LiveKit([trunk("only", "+15550111")])
    await rung(livekit, ours=None)
    (request,) = livekit.asked
    assert (request.sip_trunk_id, request.sip_number) == ("only", "")


async def test_an_address_is_rung_without_a_trunk() -> None:
    livekit = LiveKit()
    await rung(livekit, to="sip:desk@pbx.example:5080", ours=None)
    (request,) = livekit.asked
    assert (request.sip_call_to, request.trunk.hostname) == ("desk", "pbx.example:5080")
    assert request.sip_number


@pytest.mark.parametrize(
    "trunks", [[], [trunk("one", "+15550111"), trunk("two", "+15550112")]], ids=["none", "others"]
)
async def test_without_a_trunk_of_ours_nobody_is_rung(
    trunks: list[api.SIPOutboundTrunkInfo], caplog: pytest.LogCaptureFixture
) -> None:
    livekit = LiveKit(trunks)
    with pytest.raises(TransferError, match="refused"):
        await rung(livekit)
    assert livekit.asked == []
    assert "run `parley sip apply`" in caplog.text


@pytest.mark.parametrize(
    ("code", "meta", "reason"),
    [
        ("unavailable", {"sip_status_code": "486"}, "busy"),
        ("unavailable", {"sip_status_code": "480"}, "no_answer"),
        ("unavailable", {"sip_status_code": "603"}, "rejected"),
        ("not_found", {"sip_status_code": "404"}, "refused"),
        ("canceled", {}, "no_answer"),
        ("deadline_exceeded", {}, "no_answer"),
        ("unauthenticated", {}, "refused"),
    ],
)
async def test_who_does_not_answer_says_why(code: str, meta: dict[str, str], reason: str) -> None:
    livekit = LiveKit([trunk("ours", OURS)], refusal=(408, code, meta))
    with pytest.raises(TransferError) as caught:
        await rung(livekit)
    assert caught.value.reason == reason


async def test_a_livekit_that_is_away_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
    async with api.LiveKitAPI(url, "key", "secret" * 8) as client:
        with pytest.raises(TransferError) as caught:
            await ring(client.sip, room="r", identity="i", to=DESK, ours=OURS, ringing=5)
    assert caught.value.reason == "unreachable"
