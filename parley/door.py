"""The LiveKit side of a local stack: the trunk that calls come in by, and the end of all calls."""

import asyncio
import logging

import aiohttp
from livekit import api

from agent.call import CallRequest
from agent.config import AGENT_NAME
from parley.part import PartError
from parley.probes import HOST
from parley.settings import Settings
from sip.trunks import InboundTrunk, ensure_dispatch_rule, ensure_inbound_trunk

logger = logging.getLogger(__name__)

NAME = "parley local"
"""Of the trunk and of its rule."""

ENSURE_PATIENCE = 15.0
RETRY_INTERVAL = 0.2

Refused = (api.TwirpError, aiohttp.ClientError)


class Door:
    """Of the livekit-server that `parley up` runs: it holds no rooms but Parley's calls."""

    def __init__(self, settings: Settings, livekit_port: int) -> None:
        self._settings = settings
        self._url = f"http://{HOST}:{livekit_port}"

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
                    except Refused as error:
                        refusal = error
                        await asyncio.sleep(RETRY_INTERVAL)
        except TimeoutError:
            raise PartError(f"livekit-server did not take the local trunk: {refusal}") from refusal

    async def _ensure(self, livekit: api.LiveKitAPI) -> None:
        trunk = InboundTrunk(
            NAME,
            self._settings.number,
            self._settings.sip_username,
            self._settings.sip_password,
        )
        trunk_id = await ensure_inbound_trunk(livekit.sip, trunk)
        await ensure_dispatch_rule(
            livekit.sip,
            name=NAME,
            trunk_id=trunk_id,
            number=trunk.number,
            agent=AGENT_NAME,
            metadata=CallRequest(direction="inbound", persona=self._settings.persona).to_metadata(),
        )

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

    def _livekit(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(
            self._url,
            self._settings.livekit_api_key,
            self._settings.livekit_api_secret.get_secret_value(),
        )


async def _delete(livekit: api.LiveKitAPI, room: str) -> None:
    try:
        await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
    except api.TwirpError as error:
        if error.code != api.TwirpErrorCode.NOT_FOUND:
            raise
