"""The calls that go on, as LiveKit has them, and what may be done to them."""

import json
from typing import Protocol

import aiohttp
from livekit import api
from livekit.protocol.models import DataPacket

from agent.call import CallRequest
from agent.config import AGENT_NAME
from agent.control import TOPIC
from sip.reaper import Room, look
from sip.transfer import Reason, TransferError, transfer

Away = (api.ServerError, aiohttp.ClientError, TimeoutError)


NO_ROOM = "-"
"""There is none of that name."""


class UnreachableError(Exception):
    """LiveKit does not answer."""


class NobodyError(Exception):
    """The call has ended, or the agent or the caller whom it is about is not in it."""


class Switchboard(Protocol):
    """`LiveKitSwitchboard`, but for tests. Each raises `UnreachableError`."""

    async def answers(self) -> None:
        """For a probe, which anybody may send: one cheap question."""
        ...

    async def rooms(self) -> list[Room]:
        """Every call's."""
        ...

    async def bring_agent(self, room: str, request: CallRequest) -> None:
        """Into a room that need not be there yet, once."""
        ...

    async def hang_up(self, room: str) -> None:
        """Raises `NobodyError`."""
        ...

    async def say(self, room: str, text: str) -> None:
        """The agent will. Raises `NobodyError`."""
        ...

    async def stop_recording(self, room: str, *, discard: bool) -> None:
        """The agent will, if it records. Raises `NobodyError`."""
        ...

    async def transfer(self, room: str, to: str, ringing: int) -> Reason | None:
        """The caller, to an E.164 number; None when it has been taken. `ringing` is in seconds.

        Raises `NobodyError`.
        """
        ...


class LiveKitSwitchboard:
    """`livekit` must have been made with `failover=False`: a REFER shall not be sent twice."""

    def __init__(self, livekit: api.LiveKitAPI) -> None:
        self._livekit = livekit

    async def answers(self) -> None:
        try:
            await self._livekit.room.list_rooms(api.ListRoomsRequest(names=[NO_ROOM]))
        except Away as error:
            raise _translated(error) from error

    async def rooms(self) -> list[Room]:
        try:
            return await look(self._livekit)
        except Away as error:
            raise _translated(error) from error

    async def bring_agent(self, room: str, request: CallRequest) -> None:
        # Where a room or a token names its agents, a server that is started again brings new ones.
        wanted = api.CreateAgentDispatchRequest(
            agent_name=AGENT_NAME, room=room, metadata=request.to_metadata()
        )
        try:
            await self._livekit.agent_dispatch.create_dispatch(wanted)
        except Away as error:
            raise _translated(error) from error

    async def hang_up(self, room: str) -> None:
        try:
            await self._livekit.room.delete_room(api.DeleteRoomRequest(room=room))
        except Away as error:
            raise _translated(error) from error

    async def say(self, room: str, text: str) -> None:
        await self._order(room, {"say": text})

    async def stop_recording(self, room: str, *, discard: bool) -> None:
        await self._order(room, {"stop_recording": "discard" if discard else "keep"})

    async def _order(self, room: str, order: dict[str, str]) -> None:
        """See `agent.control`."""
        agent = await self._find(room, api.ParticipantInfo.Kind.AGENT)
        request = api.SendDataRequest(
            room=room,
            data=json.dumps(order).encode(),
            kind=DataPacket.Kind.RELIABLE,
            destination_identities=[agent],
            topic=TOPIC,
        )
        try:
            await self._livekit.room.send_data(request)
        except Away as error:
            raise _translated(error) from error

    async def transfer(self, room: str, to: str, ringing: int) -> Reason | None:
        caller = await self._find(room, api.ParticipantInfo.Kind.SIP)
        try:
            await transfer(self._livekit.sip, room=room, identity=caller, to=to, ringing=ringing)
        except TransferError as error:
            return error.reason
        return None

    async def _find(self, room: str, kind: int) -> str:
        """The identity of the one of that kind."""
        try:
            request = api.ListParticipantsRequest(room=room)
            listed = await self._livekit.room.list_participants(request)
        except Away as error:
            raise _translated(error) from error
        for each in listed.participants:
            if each.kind == kind:
                return each.identity
        raise NobodyError


def _translated(error: Exception) -> Exception:
    if isinstance(error, api.ServerError) and error.code == api.ServerErrorCode.NOT_FOUND:
        return NobodyError()
    return UnreachableError(type(error).__name__)
