"""Cold transfer against a LiveKit API of our own, spoken to by livekit-api over a real socket."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from livekit import api

from sip.transfer import TransferError, transfer
from tests.fakes.http import livekit_serving, protobuf

METHOD = "/twirp/livekit.SIP/TransferSIPParticipant"
Answer = Callable[[api.TransferSIPParticipantRequest], web.Response]


def succeeded(_: api.TransferSIPParticipantRequest) -> web.Response:
    done = api.TransferSIPParticipantResponse(status=api.SIPTransferStatus.STS_TRANSFER_SUCCESSFUL)
    return protobuf(done)


def refusal(status: int, code: str, **meta: str) -> Answer:
    body = {"code": code, "msg": "no", "meta": meta}
    return lambda _: web.json_response(body, status=status)


@asynccontextmanager
async def livekit(answer: Answer) -> AsyncIterator[api.LiveKitAPI]:
    async def serve(request: web.Request) -> web.Response:
        return answer(api.TransferSIPParticipantRequest.FromString(await request.read()))

    app = web.Application()
    app.router.add_post(METHOD, serve)
    async with livekit_serving(app) as client:
        yield client


async def refer(client: api.LiveKitAPI, to: str = "+15550100") -> None:
    await transfer(client.sip, room="call-1", identity="sip_1", to=to, ringing=20)


@pytest.mark.parametrize(
    ("to", "uri"),
    [("+15550100", "tel:+15550100"), ("sip:desk@pbx.example", "sip:desk@pbx.example")],
)
async def test_the_caller_is_referred_to_the_number_or_address(to: str, uri: str) -> None:
    asked: list[api.TransferSIPParticipantRequest] = []

    def note(request: api.TransferSIPParticipantRequest) -> web.Response:
        asked.append(request)
        return succeeded(request)

    async with livekit(note) as client:
        await refer(client, to)
    (request,) = asked
    assert (request.room_name, request.participant_identity) == ("call-1", "sip_1")
    assert (request.transfer_to, request.ringing_timeout.seconds) == (uri, 20)
    assert request.play_dialtone


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refusal(503, "unavailable", sip_status_code="486"), "busy"),
        (refusal(503, "unavailable", sip_status_code="480"), "no_answer"),
        (refusal(503, "unavailable", sip_transfer_reason="STR_RINGING_TIMEOUT"), "no_answer"),
        (refusal(503, "unavailable", sip_status_code="603"), "rejected"),
        (refusal(503, "unavailable", sip_transfer_reason="STR_REJECTED"), "rejected"),
        (refusal(503, "unavailable", sip_transfer_reason="STR_CALL_ENDED"), "caller_left"),
        (refusal(503, "unavailable", sip_transfer_reason="STR_OF_TOMORROW"), "refused"),
        (refusal(503, "unavailable", sip_status_code="405"), "refused"),
        (refusal(404, "not_found"), "caller_left"),
        (refusal(401, "unauthenticated"), "refused"),
        (refusal(408, "unknown"), "unreachable"),
    ],
)
async def test_a_transfer_that_fails_says_why(answer: Answer, reason: str) -> None:
    async with livekit(answer) as client:
        with pytest.raises(TransferError) as caught:
            await refer(client)
    assert caught.value.reason == reason


async def test_an_answer_that_says_failed_is_a_failure() -> None:
    failed = api.TransferSIPParticipantResponse(
        status=api.SIPTransferStatus.STS_TRANSFER_FAILED,
        reason=api.SIPTransferReason.STR_RINGING_TIMEOUT,
    )
    async with livekit(lambda _: protobuf(failed)) as client:
        with pytest.raises(TransferError) as caught:
            await refer(client)
    assert caught.value.reason == "no_answer"


async def test_a_livekit_that_is_away_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
    async with api.LiveKitAPI(url, "key", "secret" * 8) as client:
        with pytest.raises(TransferError) as caught:
            await refer(client)
    assert caught.value.reason == "unreachable"
