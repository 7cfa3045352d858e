"""The caller's end of the room: who is on it, when they leave, and the one way to hang up."""

import asyncio
import logging
from contextlib import suppress

import aiohttp
from livekit import api, rtc
from livekit.agents import JobContext
from livekit.agents.utils.participant import wait_for_participant_attribute

logger = logging.getLogger(__name__)

LEFT_FOR_GOOD = frozenset(
    {
        rtc.DisconnectReason.CLIENT_INITIATED,
        rtc.DisconnectReason.ROOM_DELETED,
        rtc.DisconnectReason.PARTICIPANT_REMOVED,
        rtc.DisconnectReason.USER_REJECTED,
        rtc.DisconnectReason.USER_UNAVAILABLE,
    }
)
"""Any other reason (a node that died, a migration) may be followed by the caller's return."""

CALL_STATUS, ANSWERED = "sip.callStatus", "active"
"""The bridge's attribute of a participant, whom it puts into the room while the telephone rings."""

NOT_ANSWERED = "the call was not answered"

MEDIA_TIMEOUT = 10.0
RETURN_GRACE, BROWSER_GRACE = 1.0, 20.0
"""Seconds for the caller to come back. A browser does so by itself, from another network and to a
server that was started again, too."""
HANG_UP_TRIES = 3
HANG_UP_TIMEOUT = 2.0
KNOWN_AFTER = 0.3
"""Seconds in which the server notices that we left."""


class NoCallerError(Exception):
    """The room has no caller: they hung up before the worker came, or never arrived."""


class Line:
    """One call's room. `up` is set when both ends are on it; `over` holds, once it is over, why."""

    def __init__(self, job: JobContext) -> None:
        self._job = job
        self._room = job.room
        self._caller: str | None = None
        self._rings = False
        self._grace: asyncio.TimerHandle | None = None
        self._let_go = False
        self.up = asyncio.Event()
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._room.on("participant_disconnected", self._on_left)
        self._room.on("participant_connected", self._on_came)
        self._room.on("disconnected", self._on_room_gone)

    async def wait_for_caller(self, patience: float) -> rtc.RemoteParticipant:
        """Connect, and wait until somebody is there and can be talked to.

        They have `patience` seconds to come. Raises `NoCallerError`.
        """
        await self._job.connect()
        try:
            caller = await self._arrival(patience)
        except TimeoutError:
            raise NoCallerError("nobody came into the room") from None
        except RuntimeError as error:  # the room went away while we waited
            raise NoCallerError("the room was closed") from error
        self._caller = caller.identity
        return caller

    async def _arrival(self, patience: float) -> rtc.RemoteParticipant:
        """A room that is busy shows late who is in it: before they are given up, the server is asked.
        Raises TimeoutError."""
        if not self._room.remote_participants:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    return await self._job.wait_for_participant()
            if not await self._is_somebody_there():
                raise TimeoutError
        async with asyncio.timeout(max(MEDIA_TIMEOUT, patience)):
            return await self._job.wait_for_participant()

    async def _is_somebody_there(self) -> bool:
        request = api.ListParticipantsRequest(room=self._job.job.room.name)
        try:
            async with asyncio.timeout(HANG_UP_TIMEOUT):
                found = await self._job.api.room.list_participants(request)
        except (api.TwirpError, aiohttp.ClientError, TimeoutError):
            return False
        return any(each.kind != api.ParticipantInfo.Kind.AGENT for each in found.participants)

    async def wait_for_answer(self, callee: rtc.RemoteParticipant, ringing: float) -> None:
        """Until the telephone that we call is answered, `ringing` seconds at most.

        Raises `NoCallerError`. Who is no telephone has answered by being there.
        """
        if callee.kind != rtc.ParticipantKind.PARTICIPANT_KIND_SIP:
            return
        self._rings = True
        try:
            async with asyncio.timeout(ringing):
                await wait_for_participant_attribute(
                    self._room, identity=callee.identity, attribute=CALL_STATUS, value=ANSWERED
                )
        except TimeoutError:
            raise NoCallerError("nobody answered") from None
        except RuntimeError as error:  # they, or the room, went away
            raise NoCallerError(NOT_ANSWERED) from error
        self._rings = False

    def end(self, reason: str) -> None:
        """The call shall end. The first reason stands."""
        if not self.over.done():
            self.over.set_result(reason)

    def let_go(self) -> None:
        """The room is the caller's and somebody else's: whoever hangs up only leaves it."""
        self._let_go = True

    async def hang_up(self) -> bool:
        """Delete the room and see that the caller is gone. False when the server did not answer.

        The bridge sends BYE (or refuses the INVITE) when its participant is removed.
        """
        if self._let_go:
            await self._room.disconnect()
            return True
        name, forgotten = self._job.job.room.name, False
        for _ in range(HANG_UP_TRIES):
            try:
                async with asyncio.timeout(HANG_UP_TIMEOUT):
                    await self._job.api.room.delete_room(api.DeleteRoomRequest(room=name))
                    if await self._is_gone(name):
                        return True
            except api.TwirpError as error:
                gone = error.code == api.TwirpErrorCode.NOT_FOUND
                if gone and not forgotten and not self._has_caller():
                    return True
                logger.warning("hanging up was refused", extra={"code": error.code})
                forgotten = True
                await self._have_it_known(name)
            except (TimeoutError, aiohttp.ClientError):
                logger.warning("the LiveKit server did not answer while hanging up")
        return False

    def _has_caller(self) -> bool:
        return self._room.isconnected() and self._caller in self._room.remote_participants

    async def _have_it_known(self, name: str) -> None:
        """A redis that has lost its data knows no room, or not where it is, though a caller is there.
        That we leave is written down, and who asks for a room gives it its place again."""
        with suppress(api.TwirpError, TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(HANG_UP_TIMEOUT):
                await self._room.disconnect()
                await self._job.api.room.create_room(api.CreateRoomRequest(name=name))
                await asyncio.sleep(KNOWN_AFTER)

    async def _is_gone(self, name: str) -> bool:
        rooms = await self._job.api.room.list_rooms(api.ListRoomsRequest(names=[name]))
        return not rooms.rooms

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        if self._caller is None and not self._room.remote_participants:
            self.end("caller hung up")  # before they could be talked to
        if participant.identity != self._caller:
            return
        if self._rings:
            self.end(NOT_ANSWERED)
        elif participant.disconnect_reason in LEFT_FOR_GOOD:
            self.end("caller hung up")
        else:
            loop = asyncio.get_running_loop()
            is_browser = participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
            grace = BROWSER_GRACE if is_browser else RETURN_GRACE
            self._grace = loop.call_later(grace, self.end, "caller was lost")

    def _on_came(self, participant: rtc.RemoteParticipant) -> None:
        if self._grace and participant.identity == self._caller:
            self._grace.cancel()
            self._grace = None

    def _on_room_gone(self, *_: object) -> None:
        self.end("room closed")
