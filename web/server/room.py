"""The test room: who may be talked to in it, and the token that lets a browser in."""

import asyncio
import math
import time
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from agent.call import BadRequestError, CallRequest
from agent.persona import PersonaError, filled, load_persona
from agent.persona.load import names
from sip.line import PersonaName
from web.server.access import MaybeHolder, Writer
from web.server.desk import Desk, TheDesk
from web.server.entry import Way, address
from web.server.errors import ApiError, documented
from web.server.live import reaching_livekit
from web.server.tickets import Tickets

router = APIRouter(prefix="/room", tags=["room"])

Value = Annotated[str, Field(max_length=1000)]


class Talker(BaseModel):
    """A persona; `greeting` is what it says first, `variables` are defaults of what a call may tell it."""

    name: str
    language: str
    greeting: str | None
    variables: dict[str, str]


class Config(BaseModel):
    """`login`: how a browser signs in; `personas` are there once it has."""

    livekit_url: str | None
    personas: list[Talker]
    login: Way
    signed_in: bool
    version: str


class Wanted(BaseModel):
    """`vars` are the persona's."""

    model_config = ConfigDict(extra="forbid")

    persona: PersonaName
    vars: Annotated[dict[str, Value], Field(max_length=50)] = {}


class RoomTicket(BaseModel):
    """To be joined within a minute. `call_id` is the call's in the ledger."""

    url: str
    token: str
    room: str
    identity: str
    call_id: str


@router.get("/config", responses=documented())
def config(desk: TheDesk, key: MaybeHolder) -> Config:
    """What a page must know; who is not signed in learns how to."""
    tickets = desk.tickets
    return Config(
        livekit_url=tickets and tickets.url,
        personas=_talkers(desk, tickets) if key else [],
        login=desk.entry.way,
        signed_in=key is not None,
        version=version("parley"),
    )


@router.post("/token", responses=documented(400))
async def token(request: Request, desk: TheDesk, key: Writer, wanted: Wanted) -> RoomTicket:
    """For a test call in a room of its own, to which the agent comes at once."""
    tickets = desk.tickets
    if tickets is None:
        raise ApiError(503, "no_rooms", "this server knows no LiveKit that browsers can reach")
    _slow_down(tickets, address(request))
    await asyncio.to_thread(_refuse_a_wrong_persona, desk, wanted)
    async with reaching_livekit():
        rooms = [each.name for each in await desk.switchboard.rooms()]
    now = time.monotonic()
    if tickets.are_out(rooms, now):
        message = f"{tickets.most} test calls go on: hang up one, or raise PARLEY_WEB_TEST_ROOMS"
        raise ApiError(429, "too_many_rooms", message, {"Retry-After": "10"})
    ticket = tickets.new(wanted.persona, wanted.vars, now)
    async with reaching_livekit():
        await desk.switchboard.bring_agent(ticket.room, ticket.request)
    return RoomTicket(
        url=ticket.url,
        token=ticket.token,
        room=ticket.room,
        identity=ticket.identity,
        call_id=ticket.room,
    )


def _talkers(desk: Desk, tickets: Tickets | None) -> list[Talker]:
    """Those that can be used, the line's own first; `GET /v1/personas` says what is wrong with others."""
    first = tickets and tickets.persona
    found = []
    for name in sorted(names(desk.personas), key=lambda each: (each != first, each)):
        try:
            persona = load_persona(desk.personas, name, desk.environment)
            greeting = filled(persona, CallRequest(), desk.now().astimezone()).greeting
        except (PersonaError, BadRequestError):
            continue
        found.append(
            Talker(
                name=name,
                language=str(persona.language),
                greeting=greeting,
                variables=persona.variables,
            )
        )
    return found


def _slow_down(tickets: Tickets, client: str) -> None:
    """Raises `ApiError`."""
    now = time.monotonic()
    if wait := tickets.by_address.take(client, now) or tickets.in_all.take("", now):
        seconds = math.ceil(wait)
        message = f"too many test calls were begun: wait {seconds} s"
        raise ApiError(429, "too_many_requests", message, {"Retry-After": str(seconds)})


def _refuse_a_wrong_persona(desk: Desk, wanted: Wanted) -> None:
    """Before anybody waits for it. Raises `ApiError`."""
    try:
        persona = load_persona(desk.personas, wanted.persona, desk.environment)
        filled(persona, CallRequest(vars=wanted.vars), desk.now().astimezone())
    except (PersonaError, BadRequestError) as error:
        raise ApiError(422, "wrong_persona", str(error)) from error
