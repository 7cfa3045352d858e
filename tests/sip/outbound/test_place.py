"""A call against a LiveKit of our own, spoken to by livekit-api over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web
from google.protobuf.message import Message
from livekit import api

from agent.call import CallRequest, Outcome
from sip.outbound.place import CALLEE, CancelledDialError, LiveKitExchange, Placement
from sip.outbound.result import ANSWERED, Result
from tests.fakes.http import livekit_serving, protobuf

CALL = Placement(
    call_id="call-1",
    to="+12025550123",
    from_="+12025550199",
    request=CallRequest(direction="outbound", to="+12025550123", call_id="call-1"),
    ringing=1,
    max_seconds=600,
)
AGENT = api.ParticipantInfo(
    kind=api.ParticipantInfo.Kind.AGENT, state=api.ParticipantInfo.State.ACTIVE
)


@dataclass
class Refusal:
    """What LiveKit answers instead."""

    code: str = "unavailable"
    status: int = 503
    after: float = 0.0
    meta: dict[str, str] = field(default_factory=dict)


@dataclass
class LiveKit:
    """As far as a call needs it. `refuses` is by method."""

    refuses: dict[str, Refusal] = field(default_factory=dict)
    people: list[api.ParticipantInfo] = field(default_factory=lambda: [AGENT])
    rooms: dict[str, api.CreateRoomRequest] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    dialled: list[api.CreateSIPParticipantRequest] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.Response:
        method = request.path.rpartition("/")[2]
        self.asked.append(method)
        body = await request.read()
        if refusal := self.refuses.get(method):
            await asyncio.sleep(refusal.after)
            error = {"code": refusal.code, "msg": "no", "meta": refusal.meta}
            return web.json_response(error, status=refusal.status)
        answer: Message = api.SIPParticipantInfo()
        match method:
            case "ListSIPOutboundTrunk":
                trunk = api.SIPOutboundTrunkInfo(name="parley main", sip_trunk_id="ST_1")
                answer = api.ListSIPOutboundTrunkResponse(items=[trunk])
            case "CreateRoom":
                wanted = api.CreateRoomRequest.FromString(body)
                self.rooms[wanted.name] = wanted
                answer = api.Room(name=wanted.name)
            case "ListParticipants":
                answer = api.ListParticipantsResponse(participants=self.people)
            case "DeleteRoom":
                name = api.DeleteRoomRequest.FromString(body).room
                if self.rooms.pop(name, None) is None:
                    return web.json_response({"code": "not_found", "msg": "none"}, status=404)
                answer = api.DeleteRoomResponse()
            case "CreateSIPParticipant":
                self.dialled.append(api.CreateSIPParticipantRequest.FromString(body))
        return protobuf(answer)


@asynccontextmanager
async def exchange(
    livekit: LiveKit, trunk: str = "parley main", trunk_id: str | None = None
) -> AsyncIterator[LiveKitExchange]:
    app = web.Application()
    app.router.add_post("/{path:.*}", livekit.serve)
    async with livekit_serving(app, cancels=True, failover=False) as client:
        yield LiveKitExchange(client, trunk, "parley", trunk_id=trunk_id)


async def nothing() -> None:
    """It may ring."""


async def place(livekit: LiveKit, call: Placement = CALL) -> Result:
    async with exchange(livekit) as switch:
        return await switch.place(call, nothing)


async def test_the_agent_is_there_before_the_callee_is_rung() -> None:
    livekit = LiveKit()
    assert await place(livekit) is ANSWERED
    assert livekit.asked == [
        "ListSIPOutboundTrunk",
        "CreateRoom",
        "ListParticipants",
        "CreateSIPParticipant",
    ]
    (agent,) = livekit.rooms["call-1"].agents
    assert agent.agent_name == "parley"
    assert json.loads(agent.metadata)["direction"] == "outbound"


async def test_the_callee_is_rung_as_the_line_says_and_is_nameless_in_the_room() -> None:
    livekit = LiveKit()
    await place(livekit)
    (asked,) = livekit.dialled
    assert (asked.sip_trunk_id, asked.sip_call_to, asked.sip_number) == (
        *("ST_1", CALL.to),
        CALL.from_,
    )
    assert (asked.room_name, asked.participant_identity, asked.participant_name) == (
        "call-1",
        *(CALLEE, CALLEE),
    )
    assert asked.wait_until_answered
    assert asked.hide_phone_number
    assert (asked.ringing_timeout.seconds, asked.max_call_duration.seconds) == (1, 600)


async def test_a_trunk_that_is_named_by_its_id_is_taken() -> None:
    livekit = LiveKit()
    async with exchange(livekit, trunk_id="ST_other") as switch:
        await switch.place(CALL, nothing)
    assert livekit.dialled[0].sip_trunk_id == "ST_other"


@pytest.mark.parametrize(
    ("refusal", "outcome", "words"),
    [
        (Refusal(meta={"sip_status_code": "486", "sip_status": "Busy"}), Outcome.BUSY, "486 Busy"),
        (Refusal("canceled", 408, after=1.0), Outcome.NO_ANSWER, "it rang for 1 s"),
        (Refusal("canceled", 408), Outcome.FAILED, "LiveKit did not place the call: canceled: no"),
        (Refusal("internal", 500, after=1.0), Outcome.FAILED, "LiveKit did not place the call"),
    ],
)
async def test_a_call_that_fails_says_why_and_leaves_no_room(
    refusal: Refusal, outcome: Outcome, words: str
) -> None:
    livekit = LiveKit(refuses={"CreateSIPParticipant": refusal})
    result = await place(livekit)
    assert (result.outcome, result.placed) == (outcome, True)
    assert words in result.words
    assert livekit.rooms == {}
    assert livekit.asked.count("CreateSIPParticipant") == 1, "it rang once"


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("ListSIPOutboundTrunk", "LiveKit cannot be asked: unavailable"),
        ("CreateRoom", "LiveKit did not make a room: unavailable"),
        ("ListParticipants", "LiveKit did not make a room: unavailable"),
    ],
)
async def test_a_livekit_that_refuses_rings_nobody(method: str, words: str) -> None:
    livekit = LiveKit(refuses={method: Refusal()})
    result = await place(livekit)
    assert (result.outcome, result.placed) == (Outcome.FAILED, False)
    assert words in result.words
    assert livekit.dialled == []
    assert livekit.rooms == {}


async def test_for_an_agent_that_gives_up_nobody_is_rung() -> None:
    livekit = LiveKit(refuses={"ListParticipants": Refusal("not_found", 404)})
    result = await place(livekit)
    assert not result.placed
    assert "the agent gave the call up: the worker's log says why" in result.words
    assert livekit.dialled == []


async def test_without_its_trunk_nobody_is_rung() -> None:
    livekit = LiveKit()
    async with exchange(livekit, trunk="parley other") as switch:
        result = await switch.place(CALL, nothing)
    assert not result.placed
    assert "no outbound trunk 'parley other'" in result.words
    assert livekit.rooms == {}


async def test_one_cancelled_before_it_rings_leaves_no_room() -> None:
    async def cancelled() -> None:
        raise CancelledDialError

    livekit = LiveKit()
    async with exchange(livekit) as switch:
        with pytest.raises(CancelledDialError):
            await switch.place(CALL, cancelled)
    assert livekit.dialled == []
    assert livekit.rooms == {}


async def test_one_that_is_given_up_while_it_rings_leaves_no_room() -> None:
    livekit = LiveKit(refuses={"CreateSIPParticipant": Refusal(after=60)})
    rings = asyncio.Event()

    async def ringing() -> None:
        rings.set()

    async with exchange(livekit) as switch:
        placing = asyncio.create_task(switch.place(replace(CALL, ringing=60), ringing))
        await rings.wait()
        placing.cancel()
        await asyncio.wait({placing})
        assert placing.cancelled()
        assert livekit.rooms == {}


@pytest.mark.parametrize(("status", "answered"), [("active", True), ("ringing", False)])
async def test_a_call_is_answered_when_livekit_says_so(status: str, answered: bool) -> None:
    callee = api.ParticipantInfo(attributes={"sip.callStatus": status})
    async with exchange(LiveKit(people=[AGENT, callee])) as switch:
        assert await switch.is_answered("call-1") is answered


async def test_a_call_without_a_room_is_not_answered_and_can_be_removed() -> None:
    livekit = LiveKit(refuses={"ListParticipants": Refusal("not_found", 404)})
    async with exchange(livekit) as switch:
        assert not await switch.is_answered("call-1")
        await switch.remove("call-1")
