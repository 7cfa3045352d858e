"""The caller's end of the room, on a fake room and a fake LiveKit API."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from livekit import api, rtc

from agent.line import BROWSER_GRACE, RETURN_GRACE, Line, NoCallerError
from parley.rehearse.clock import run

REASON = rtc.DisconnectReason


class Room(rtc.EventEmitter[str]):
    name = "call-1"

    def __init__(self) -> None:
        super().__init__()
        self.remote_participants: dict[str, Any] = {}

        self.left = False

    def isconnected(self) -> bool:
        return not self.left

    async def disconnect(self) -> None:
        self.left = True


@dataclass
class Rooms:
    """LiveKit's room service: knows `rooms`, and fails as often as it is told."""

    rooms: set[str] = field(default_factory=lambda: {"call-1"})
    failures: list[Exception] = field(default_factory=list)
    stubborn: int = 0
    inside: list[SimpleNamespace] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    async def create_room(self, request: api.CreateRoomRequest) -> None:
        self.rooms.add(request.name)

    async def delete_room(self, request: api.DeleteRoomRequest) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if self.stubborn:
            self.stubborn -= 1
        else:
            self.rooms.discard(request.room)
            self.deleted.append(request.room)

    async def list_participants(self, request: api.ListParticipantsRequest) -> SimpleNamespace:
        return SimpleNamespace(participants=self.inside)

    async def list_rooms(self, request: api.ListRoomsRequest) -> SimpleNamespace:
        return SimpleNamespace(rooms=[name for name in request.names if name in self.rooms])


@dataclass
class Job:
    room: Room = field(default_factory=Room)
    rooms: Rooms = field(default_factory=Rooms)
    caller: Any = None

    @property
    def job(self) -> SimpleNamespace:
        return SimpleNamespace(room=self.room)

    @property
    def api(self) -> SimpleNamespace:
        return SimpleNamespace(room=self.rooms)

    async def connect(self) -> None: ...

    async def wait_for_participant(self) -> Any:
        while self.caller is None:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.1)
        return self.caller


SIP = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
BROWSER = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD


def participant(
    identity: str = "sip_caller", reason: Any = REASON.CLIENT_INITIATED, kind: Any = SIP
) -> SimpleNamespace:
    return SimpleNamespace(identity=identity, disconnect_reason=reason, kind=kind)


async def line_with_caller() -> tuple[Line, Job]:
    job = Job(caller=participant())
    line = Line(job)  # type: ignore[arg-type]  # a job's surface that the line uses
    await line.wait_for_caller(1.0)
    return line, job


@pytest.mark.parametrize(
    "reason",
    [REASON.CLIENT_INITIATED, REASON.ROOM_DELETED, REASON.USER_REJECTED, REASON.USER_UNAVAILABLE],
)
async def test_a_caller_who_hangs_up_ends_the_line_at_once(reason: Any) -> None:
    line, job = await line_with_caller()
    job.room.emit("participant_disconnected", participant(reason=reason))
    assert line.over.result() == "caller hung up"


async def test_somebody_else_leaving_ends_nothing() -> None:
    line, job = await line_with_caller()
    job.room.emit("participant_disconnected", participant("observer"))
    assert not line.over.done()


@pytest.mark.parametrize("reason", [REASON.UNKNOWN_REASON, REASON.MIGRATION, None])
def test_a_caller_who_was_lost_may_come_back(reason: Any) -> None:
    async def lost_and_back() -> None:
        line, job = await line_with_caller()
        job.room.emit("participant_disconnected", participant(reason=reason))
        job.room.emit("participant_connected", participant())
        await asyncio.sleep(60)
        assert not line.over.done()

    async def lost() -> None:
        line, job = await line_with_caller()
        job.room.emit("participant_disconnected", participant(reason=reason))
        assert await line.over == "caller was lost"

    run(lost_and_back())
    run(lost())


def test_a_browser_has_longer_to_come_back_than_a_telephone() -> None:
    async def lost(kind: Any) -> float:
        line, job = await line_with_caller()
        now = asyncio.get_running_loop().time
        began = now()
        job.room.emit("participant_disconnected", participant(reason=None, kind=kind))
        assert await line.over == "caller was lost"
        return now() - began

    assert run(lost(SIP)) == pytest.approx(RETURN_GRACE)
    assert run(lost(BROWSER)) == pytest.approx(BROWSER_GRACE)


async def test_the_first_reason_stands() -> None:
    line, job = await line_with_caller()
    job.room.emit("participant_disconnected", participant())
    job.room.emit("disconnected", REASON.ROOM_DELETED)
    assert line.over.result() == "caller hung up"


def test_whoever_is_there_is_given_time_to_connect_and_may_leave() -> None:
    async def come_and_leave() -> None:
        job = Job()
        job.room.remote_participants = {"sip_caller": participant()}
        line = Line(job)  # type: ignore[arg-type]
        waiting = asyncio.create_task(line.wait_for_caller(1.0))
        await asyncio.sleep(5.0)
        assert not waiting.done()
        del job.room.remote_participants["sip_caller"]
        job.room.emit("participant_disconnected", participant())
        assert line.over.result() == "caller hung up"
        waiting.cancel()

    run(come_and_leave())


def test_a_room_without_a_caller_is_not_waited_for_for_ever() -> None:
    async def wait() -> None:
        with pytest.raises(NoCallerError, match="nobody came"):
            await Line(Job()).wait_for_caller(10.0)  # type: ignore[arg-type]

    run(wait())


def test_one_whom_the_room_shows_late_is_waited_for_while_the_server_knows_them() -> None:
    async def wait() -> None:
        job = Job()
        job.rooms.inside = [SimpleNamespace(kind=api.ParticipantInfo.Kind.SIP)]
        waiting = asyncio.create_task(Line(job).wait_for_caller(0.5))  # type: ignore[arg-type]
        await asyncio.sleep(3.0)
        job.caller = participant()
        assert await waiting is job.caller

    run(wait())


def test_an_agent_is_nobody_to_wait_for() -> None:
    async def wait() -> None:
        job = Job()
        job.rooms.inside = [SimpleNamespace(kind=api.ParticipantInfo.Kind.AGENT)]
        with pytest.raises(NoCallerError, match="nobody came"):
            await Line(job).wait_for_caller(0.5)  # type: ignore[arg-type]

    run(wait())


async def test_hanging_up_deletes_the_room_and_sees_that_it_is_gone() -> None:
    line, job = await line_with_caller()
    assert await line.hang_up()
    assert not job.rooms.rooms


async def test_hanging_up_twice_is_no_error() -> None:
    line, job = await line_with_caller()
    job.rooms.failures = [api.TwirpError(api.TwirpErrorCode.NOT_FOUND, "no such room", status=404)]
    assert await line.hang_up()


@pytest.mark.parametrize(
    "failure",
    [
        TimeoutError(),
        aiohttp.ServerDisconnectedError(),
        api.TwirpError(api.TwirpErrorCode.INTERNAL, "redis is away", status=500),
    ],
)
async def test_hanging_up_is_tried_again_when_the_server_falters(failure: Exception) -> None:
    line, job = await line_with_caller()
    job.rooms.failures = [failure]
    job.rooms.stubborn = 1
    assert await line.hang_up()
    assert not job.rooms.rooms


async def test_a_server_that_stays_away_is_reported() -> None:
    line, job = await line_with_caller()
    job.rooms.failures = [aiohttp.ServerDisconnectedError() for _ in range(9)]
    assert not await line.hang_up()


class Telephone(rtc.RemoteParticipant):
    """One that we call: the bridge puts it into the room while it rings."""

    def __init__(self) -> None:
        self._info: Any = SimpleNamespace(
            identity="sip_callee",
            kind=rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
            attributes={"sip.callStatus": "ringing"},
            disconnect_reason=REASON.USER_UNAVAILABLE,
        )

    def is_answered(self, room: Room) -> None:
        self._info.attributes = {"sip.callStatus": "active"}
        room.emit("participant_attributes_changed", ["sip.callStatus"], self)


async def line_that_rings() -> tuple[Line, Job, Telephone]:
    callee = Telephone()
    job = Job(caller=callee)
    job.room.remote_participants = {callee.identity: callee}
    line = Line(job)  # type: ignore[arg-type]
    await line.wait_for_caller(1.0)
    return line, job, callee


def test_a_telephone_that_we_call_is_waited_for_until_it_is_answered() -> None:
    async def answered() -> None:
        line, job, callee = await line_that_rings()
        waiting = asyncio.create_task(line.wait_for_answer(callee, 60.0))
        await asyncio.sleep(30.0)
        assert not waiting.done()
        callee.is_answered(job.room)
        await waiting
        await line.wait_for_answer(callee, 0.1)  # of one that has answered
        job.room.emit("participant_disconnected", callee)
        assert line.over.result() == "caller hung up"

    run(answered())


def test_a_telephone_that_nobody_answers_is_given_up() -> None:
    async def rings() -> None:
        line, _, callee = await line_that_rings()
        with pytest.raises(NoCallerError, match="nobody answered"):
            await line.wait_for_answer(callee, 60.0)

    run(rings())


def test_a_telephone_that_declines_has_not_answered() -> None:
    async def declines() -> None:
        line, job, callee = await line_that_rings()
        waiting = asyncio.create_task(line.wait_for_answer(callee, 60.0))
        await asyncio.sleep(5.0)
        job.room.emit("participant_disconnected", callee)
        with pytest.raises(NoCallerError, match="not answered"):
            await waiting
        assert line.over.result() == "the call was not answered"

    run(declines())


async def test_who_is_no_telephone_has_answered_by_being_there() -> None:
    line, job = await line_with_caller()
    job.caller.kind = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
    await line.wait_for_answer(job.caller, 0.0)


async def test_a_caller_whose_room_redis_has_forgotten_is_hung_up() -> None:
    """LiveKit knows no such room, and they are in it."""
    line, job = await line_with_caller()
    job.room.remote_participants = {"sip_caller": participant()}
    job.rooms.rooms.clear()
    unknown = api.TwirpError(api.TwirpErrorCode.NOT_FOUND, "no such room", status=404)
    job.rooms.failures = [unknown, unknown]
    assert await line.hang_up()
    assert job.room.left
    assert job.rooms.deleted == ["call-1"]
