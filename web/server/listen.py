"""/v1/live/ID/listen: hear a call that goes on, unseen by those in it, and not by the ledger."""

import asyncio
import secrets
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from livekit import api
from pydantic import BaseModel
from sqlalchemy import Engine, insert

from ledger.tables import CallRow, EventRow
from web.server.access import Needs
from web.server.calls import CallId, no_such_call
from web.server.desk import Desk, TheDesk
from web.server.errors import ApiError, documented
from web.server.keys import Key, Scope
from web.server.live import live_row, reaching_livekit
from web.server.tickets import Tickets

router = APIRouter(prefix="/v1/live", tags=["live"])

LISTENED = "listened"
"""The kind of the event."""

JOIN = timedelta(minutes=1)

Listener = Annotated[Key, Depends(Needs(Scope.CALLS_LISTEN))]


class Ear(BaseModel):
    """To be joined within a minute. Who does is hidden, hears all and can send nothing."""

    url: str
    token: str


@router.post("/{call_id}/listen", responses=documented(404, 409))
async def listen(desk: TheDesk, key: Listener, call_id: CallId) -> Ear:
    """Listen in. That it was asked for, by whom and when, is among the call's events from then on."""
    tickets = desk.tickets
    if tickets is None:
        raise ApiError(503, "no_rooms", "this server knows no LiveKit that browsers can reach")
    row = await asyncio.to_thread(live_row, desk, call_id)
    if row is None:
        raise await _unknown(desk, call_id)
    await asyncio.to_thread(_note, desk, row, key)
    return Ear(url=tickets.url, token=_token(tickets, row.room))


async def _unknown(desk: Desk, call_id: str) -> ApiError:
    async with reaching_livekit():
        rooms = {room.name for room in await desk.switchboard.rooms()}
    if call_id not in rooms:
        return no_such_call()
    message = "the call has only begun, and it could not be noted who listens: try again"
    return ApiError(409, "not_known_yet", message)


def _note(desk: Desk, row: CallRow, key: Key) -> None:
    engine: Engine = desk.engine
    details = {"who": key.name, "key": key.id}
    values = {"call_id": row.id, "at": desk.now(), "kind": LISTENED, "details": details}
    with engine.begin() as connection:
        connection.execute(insert(EventRow).values(id=secrets.randbits(62), **values))


def _token(tickets: Tickets, room: str) -> str:
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        hidden=True,
        can_subscribe=True,
        can_publish=False,
        can_publish_data=False,
        can_update_own_metadata=False,
    )
    token = api.AccessToken(tickets.key, tickets.secret.get_secret_value())
    token.with_identity(f"listener-{secrets.token_hex(6)}").with_ttl(JOIN).with_grants(grants)
    return token.to_jwt()
