"""One attempt to call somebody by LiveKit: a room, the agent in it, then the callee."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import aiohttp
from google.protobuf.duration_pb2 import Duration
from livekit import api

from agent.call import CallRequest, Outcome
from sip.outbound.result import ANSWERED, Result, of_sip

logger = logging.getLogger(__name__)

CALLEE = "callee"
"""Identity and name in the room. LiveKit's own would hold the number, and stand in every log."""

AGENT_PATIENCE = 10.0
"""Seconds in which a worker must have taken the call: nobody is rung whom no agent will talk to."""

LOOK = 0.1
MARGIN = 5.0
"""Seconds beyond the ringing in which LiveKit must have answered."""

GONE_AGAIN = 0.5
"""Seconds after which the room of a call that was cut short is deleted once more: a bridge that was
about to join makes it anew."""

STATUS = "sip.callStatus"
ACTIVE = "active"

_GIVEN_UP = frozenset({api.ServerErrorCode.CANCELED, api.ServerErrorCode.DEADLINE_EXCEEDED})
Unreachable = (api.ServerError, aiohttp.ClientError, TimeoutError)


@dataclass(frozen=True)
class Placement:
    """`call_id` is the room's name too; it holds no number. Times are seconds."""

    call_id: str
    to: str
    from_: str
    request: CallRequest
    ringing: int
    max_seconds: int


class CancelledDialError(Exception):
    """It was cancelled before it rang."""


class NotPlacedError(Exception):
    """Nobody has been rung; the message names the fix."""


Ringing = Callable[[], Awaitable[None]]
"""Awaited before the callee's telephone can ring. Raises CancelledDialError."""


class Exchange(Protocol):
    """Who connects calls. `LiveKitExchange`, but for tests."""

    async def place(self, call: Placement, ringing: Ringing) -> Result:
        """Returns when the callee has answered, or never will; then nothing of the call is left.

        Nor is there when this is cancelled. Raises what `ringing` raises.
        """
        ...

    async def is_answered(self, call_id: str) -> bool:
        """Whether a call goes on."""
        ...

    async def remove(self, call_id: str) -> None:
        """End the call, whatever its state."""
        ...


class LiveKitExchange:
    """By the outbound trunk of that name, or the one of that id; `agent` is the worker's name.

    `livekit` must have been made with `failover=False`, for that would place a failed call again.
    """

    def __init__(
        self, livekit: api.LiveKitAPI, trunk: str, agent: str, *, trunk_id: str | None = None
    ) -> None:
        self._livekit = livekit
        self._trunk = trunk
        self._trunk_id = trunk_id
        self._agent = agent

    async def place(self, call: Placement, ringing: Ringing) -> Result:
        result: Result | None = None
        try:
            trunk_id = self._trunk_id or await self._find_trunk()
            await self._with_agent(call)
            result = await self._dial(call, trunk_id, ringing)
        except NotPlacedError as error:
            result = Result(Outcome.FAILED, None, str(error), placed=False)
        finally:
            if result is not ANSWERED:
                await self._clear(call.call_id, cut_short=result is None)
        return result

    async def is_answered(self, call_id: str) -> bool:
        request = api.ListParticipantsRequest(room=call_id)
        try:
            listed = await self._livekit.room.list_participants(request)
        except api.ServerError as error:
            if error.code == api.ServerErrorCode.NOT_FOUND:
                return False
            raise
        return any(each.attributes.get(STATUS) == ACTIVE for each in listed.participants)

    async def remove(self, call_id: str) -> None:
        try:
            await self._livekit.room.delete_room(api.DeleteRoomRequest(room=call_id))
        except api.ServerError as error:
            if error.code != api.ServerErrorCode.NOT_FOUND:
                raise

    async def _find_trunk(self) -> str:
        """Anew for each call: one that LiveKit lost comes back under another id."""
        try:
            listed = await self._livekit.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
        except (api.ServerError, aiohttp.ClientError, TimeoutError) as error:
            raise NotPlacedError(f"LiveKit cannot be asked: {_said(error)}") from error
        for trunk in listed.items:
            if trunk.name == self._trunk:
                return trunk.sip_trunk_id
        raise NotPlacedError(
            f"LiveKit has no outbound trunk {self._trunk!r}: run `parley sip apply`, "
            "or name one with --trunk"
        )

    async def _with_agent(self, call: Placement) -> None:
        """A room with the agent in it."""
        dispatch = api.RoomAgentDispatch(
            agent_name=self._agent, metadata=call.request.to_metadata()
        )
        try:
            await self._livekit.room.create_room(
                api.CreateRoomRequest(name=call.call_id, agents=[dispatch])
            )
            async with asyncio.timeout(AGENT_PATIENCE):
                while not await self._agent_is_there(call.call_id):  # noqa: ASYNC110  it tells nobody
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            raise NotPlacedError(
                f"no worker took the call in {AGENT_PATIENCE:.0f} s: is one running and not full? "
                "Its log says why an agent does not come"
            ) from None
        except (api.ServerError, aiohttp.ClientError) as error:
            if isinstance(error, api.ServerError) and error.code == api.ServerErrorCode.NOT_FOUND:
                why = "the agent gave the call up: the worker's log says why"
            else:
                why = f"LiveKit did not make a room: {_said(error)}"
            raise NotPlacedError(why) from error

    async def _agent_is_there(self, room: str) -> bool:
        listed = await self._livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        return any(
            each.kind == api.ParticipantInfo.Kind.AGENT
            and each.state == api.ParticipantInfo.State.ACTIVE
            for each in listed.participants
        )

    async def _dial(self, call: Placement, trunk_id: str, ringing: Ringing) -> Result:
        request = api.CreateSIPParticipantRequest(
            sip_trunk_id=trunk_id,
            sip_call_to=call.to,
            sip_number=call.from_,
            room_name=call.call_id,
            participant_identity=CALLEE,
            participant_name=CALLEE,
            hide_phone_number=True,
            wait_until_answered=True,
            ringing_timeout=Duration(seconds=call.ringing),
            max_call_duration=Duration(seconds=call.max_seconds),
        )
        await ringing()
        loop = asyncio.get_running_loop()
        given_up = loop.time() + call.ringing
        try:
            async with asyncio.timeout(call.ringing + MARGIN):
                await self._livekit.sip.create_sip_participant(request)
        except api.SipCallError as error:
            return of_sip(error.sip_status_code or 0, error.sip_status or "")
        except api.ServerError as error:
            # The bridge gives up without a SIP response, and calls that `canceled`.
            if loop.time() >= given_up and error.code in _GIVEN_UP:
                return Result(Outcome.NO_ANSWER, None, f"it rang for {call.ringing} s")
            return Result(Outcome.FAILED, None, f"LiveKit did not place the call: {_said(error)}")
        except (aiohttp.ClientError, TimeoutError) as error:
            return Result(Outcome.FAILED, None, f"LiveKit went away in the call: {_said(error)}")
        return ANSWERED

    async def _clear(self, room: str, *, cut_short: bool) -> None:
        """Nobody is left in it: no agent that waits, no telephone that rings."""
        try:
            await self.remove(room)
            if cut_short:
                await asyncio.sleep(GONE_AGAIN)
                await self.remove(room)
        except Unreachable as error:
            logger.warning(
                "a call's room could not be deleted", extra={"call_id": room, "why": _said(error)}
            )


def _said(error: Exception) -> str:
    if isinstance(error, api.ServerError):
        return f"{error.code}: {error.message}"
    return str(error) or type(error).__name__
