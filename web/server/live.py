"""/v1/live: the calls that go on, and what may be done to them."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session

from agent.call import CallState
from agent.control import LONGEST
from ledger.redaction import masked
from ledger.tables import CallRow
from sip.numbers import classify
from sip.outbound.hours import NoZoneError
from sip.outbound.policy import Policy
from sip.reaper import TEST_PREFIX, Room
from web.server.access import Reader, Writer
from web.server.calls import CallId, no_such_call
from web.server.desk import Desk, TheDesk
from web.server.dials import line_of
from web.server.errors import ApiError, documented
from web.server.feed import goes_on
from web.server.keys import Scope
from web.server.latest import Latest, read_latest
from web.server.switchboard import NobodyError, UnreachableError

router = APIRouter(prefix="/v1/live", tags=["live"])

RINGING = 30
"""Seconds that whom a caller is transferred to has for answering."""


class Line(BaseModel):
    """Of the transcript, numbers masked as everywhere."""

    role: str
    text: str
    at: datetime


class LiveCall(BaseModel):
    """`id` is the ledger's, or the room's for a call that it does not know (yet). `seconds` since it
    began; `callers` are all in it but agents. `last` is what was said last; `latency` the seconds
    that the last answer took."""

    id: str
    persona: str | None
    direction: str | None
    from_number: str | None
    to_number: str | None
    state: str
    started_at: datetime | None
    seconds: float
    callers: int
    agents: int
    test: bool
    last: Line | None
    latency: float | None


class LiveCalls(BaseModel):
    calls: list[LiveCall]


class Say(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=LONGEST)]


class StopRecording(BaseModel):
    """`discard` removes what was recorded before, too."""

    model_config = ConfigDict(extra="forbid")

    discard: bool = False


class Transfer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, Field(max_length=32, description="A number in international form.")]


class Transferred(BaseModel):
    """But for `transferred` and `unreachable`, which is not known, the caller is still ours."""

    result: Literal[
        "transferred",
        "busy",
        "no_answer",
        "rejected",
        "refused",
        "caller_left",
        "unreachable",
    ]


@router.get("", responses=documented())
async def list_live(desk: TheDesk, key: Reader) -> LiveCalls:
    """The calls that go on, as LiveKit and the ledger know them."""
    async with reaching_livekit():
        rooms = await desk.switchboard.rooms()
    numbers = key.may(Scope.CALLS_NUMBERS)
    calls = await asyncio.to_thread(_calls, desk, rooms, numbers)
    return LiveCalls(calls=calls)


@router.post("/{call_id}/hangup", status_code=204, responses=documented(404))
async def hang_up(desk: TheDesk, key: Writer, call_id: CallId) -> Response:
    """End a call for everybody in it, at once."""
    room = await _room(desk, call_id)
    async with reaching_livekit():
        await desk.switchboard.hang_up(room)
    return Response(status_code=204)


@router.post("/{call_id}/say", status_code=202, responses=documented(400, 404, 409))
async def say(desk: TheDesk, key: Writer, call_id: CallId, wanted: Say) -> Response:
    """Have the agent say so, as soon as it does not speak."""
    room = await _room(desk, call_id, talking=True)
    async with reaching_livekit():
        await desk.switchboard.say(room, wanted.text)
    return Response(status_code=202)


@router.post("/{call_id}/stop-recording", status_code=202, responses=documented(400, 404, 409))
async def stop_recording(
    desk: TheDesk, key: Writer, call_id: CallId, wanted: StopRecording
) -> Response:
    """Record no more of a call; nothing is done where nothing is recorded."""
    room = await _room(desk, call_id, talking=True)
    async with reaching_livekit():
        await desk.switchboard.stop_recording(room, discard=wanted.discard)
    return Response(status_code=202)


@router.post("/{call_id}/transfer", responses=documented(400, 404, 409))
async def transfer(desk: TheDesk, key: Writer, call_id: CallId, wanted: Transfer) -> Transferred:
    """Hand the caller to somebody else by SIP REFER; waits until they have answered, or will not."""
    room = await _room(desk, call_id, talking=True)
    await asyncio.to_thread(_refuse_a_wrong_number, desk, wanted.to)
    async with reaching_livekit():
        failed = await desk.switchboard.transfer(room, wanted.to, RINGING)
    return Transferred(result=failed or "transferred")


@asynccontextmanager
async def reaching_livekit() -> AsyncIterator[None]:
    """Raises `ApiError` for what the switchboard raises."""
    try:
        yield
    except NobodyError:
        raise no_such_call() from None
    except UnreachableError as error:
        message = "LiveKit does not answer: see that it runs, and try again"
        raise ApiError(503, "livekit_unavailable", message, {"Retry-After": "2"}) from error


async def _room(desk: Desk, call_id: str, *, talking: bool = False) -> str:
    """Of a call that goes on. Raises `ApiError`; also if `talking`, and agent and caller do not."""
    row = await asyncio.to_thread(live_row, desk, call_id)
    if row is None:
        async with reaching_livekit():
            rooms = {room.name for room in await desk.switchboard.rooms()}
        if call_id not in rooms:
            raise no_such_call()
        return call_id
    if talking and row.state != CallState.ACTIVE:
        message = "agent and caller do not hear each other: try again when the call is active"
        raise ApiError(409, "not_active", message)
    return row.room


def live_row(desk: Desk, call_id: str) -> CallRow | None:
    wanted = or_(CallRow.id == call_id, CallRow.room == call_id)
    return next(iter(_read(desk.engine, desk.now(), wanted)), None)


def _calls(desk: Desk, rooms: Sequence[Room], numbers: bool) -> list[LiveCall]:
    named = CallRow.room.in_([room.name for room in rooms])
    rows = {row.room: row for row in _read(desk.engine, desk.now(), named)}
    said = read_latest(desk.engine, [row.id for row in rows.values()], numbers=numbers)
    found = ((room, rows.get(room.name)) for room in rooms)
    return [_shown(room, row, said.get(row.id) if row else None, numbers) for room, row in found]


def _read(engine: Engine, now: datetime, wanted: Any) -> list[CallRow]:
    with Session(engine) as session:
        rows = list(session.scalars(select(CallRow).where(wanted, goes_on(now))))
        session.expunge_all()
    return rows


def _shown(room: Room, row: CallRow | None, said: Latest | None, numbers: bool) -> LiveCall:
    def number(given: str | None) -> str | None:
        return given if numbers else masked(given)

    return LiveCall(
        id=row.id if row else room.name,
        persona=row and row.persona,
        direction=row and row.direction,
        from_number=row and number(row.from_number),
        to_number=row and number(row.to_number),
        state=row.state if row else str(CallState.CONNECTING),
        started_at=row and row.started_at,
        seconds=round(max(0.0, room.age), 1),
        callers=room.callers,
        agents=room.agents,
        test=row.test if row else room.name.startswith(TEST_PREFIX),
        last=Line(role=said.role, text=said.text, at=said.at) if said else None,
        latency=said and said.latency,
    )


def _refuse_a_wrong_number(desk: Desk, to: str) -> None:
    """By the line's policy, but for the hours: who is transferred is awake. Raises `ApiError`."""
    line = line_of(desk)
    try:
        policy = Policy.of(line) if line else _of_kind_alone(to)
    except NoZoneError as error:
        raise ApiError(503, "line_unreadable", str(error)) from error
    anywhen = dataclasses.replace(policy, hours=None)
    refusal = anywhen.refusal(to, line.caller_id if line else to, desk.now())
    if refusal:
        raise ApiError(422, f"refused_{refusal.rule}", refusal.reason)


def _of_kind_alone(to: str) -> Policy:
    """No line: only what is never dialled is refused."""
    country = classify(to).country
    return Policy(frozenset({to}), frozenset({country} if country else ()))
