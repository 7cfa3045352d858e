"""The LiveKit side of a local stack: the trunk that calls come in by, and the end of all calls."""

import asyncio
import logging

import aiohttp
from livekit import api

from parley.livekit import livekit_at
from parley.part import PartError
from parley.settings import Settings
from sip.changes import SideError, StoppedError, apply
from sip.livekit_side import LOCAL, LiveKitSide, Wanted, inbound_trunk, rule

logger = logging.getLogger(__name__)

ENSURE_PATIENCE = 15.0
RETRY_INTERVAL = 0.2
LOOK = 2.0
"""Seconds."""

Refused = (api.TwirpError, aiohttp.ClientError)


class Door:
    """Of the livekit-server at `url`, which holds no rooms but Parley's calls."""

    def __init__(self, settings: Settings, url: str) -> None:
        self._settings = settings
        self._url = url
        credentials = (settings.sip_username, settings.sip_password)
        self._wanted = Wanted(
            LOCAL,
            inbound=[inbound_trunk(LOCAL, [settings.number], credentials)],
            rules=[rule(LOCAL, LOCAL, settings.number, settings.persona)],
        )

    async def ensure(self) -> None:
        """The trunk and its rule are as the settings say.

        Raises:
            PartError: LiveKit did not take them, for as long as a restart may last.
        """
        refusal: Exception | None = None
        try:
            async with asyncio.timeout(ENSURE_PATIENCE), self._livekit() as livekit:
                while True:
                    try:
                        return await self._ensure(livekit)
                    except (SideError, StoppedError) as error:
                        refusal = error
                        await asyncio.sleep(RETRY_INTERVAL)
        except TimeoutError:
            raise PartError(f"livekit-server did not take the local trunk: {refusal}") from refusal

    async def _ensure(self, livekit: api.LiveKitAPI) -> None:
        async for _ in apply(await LiveKitSide(self._wanted, livekit).plan()):
            pass

    async def hang_up_all(self, patience: float) -> None:
        """Delete every room and wait, at most `patience` seconds, until none is left."""
        try:
            async with asyncio.timeout(patience), self._livekit() as livekit:
                while rooms := (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms:
                    for room in rooms:
                        await _delete(livekit, room.name)
                    await asyncio.sleep(RETRY_INTERVAL)
        except (*Refused, TimeoutError) as error:
            logger.warning("calls may be left", extra={"why": type(error).__name__})

    async def has_calls(self) -> bool:
        """Whether there is a room. A LiveKit that does not answer has no call left to be ended."""
        try:
            async with asyncio.timeout(LOOK), self._livekit() as livekit:
                return bool((await livekit.room.list_rooms(api.ListRoomsRequest())).rooms)
        except (*Refused, TimeoutError):
            return False

    def _livekit(self) -> api.LiveKitAPI:
        return livekit_at(self._url, self._settings)


async def _delete(livekit: api.LiveKitAPI, room: str) -> None:
    try:
        await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
    except api.TwirpError as error:
        if error.code != api.TwirpErrorCode.NOT_FOUND:
            raise
