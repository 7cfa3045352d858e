"""Asks the engines to keep room for a call: before it is answered, while the caller is looked up."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

from agent.config import Settings
from agent.persona import PersonaError, load_persona
from parley_serving.reservations import PATH

logger = logging.getLogger(__name__)

PATIENCE = 0.3
"""Seconds for an engine to say. One that has not by then is taken to have room."""

SECONDS = 20.0
"""For which the room is kept: the call's sockets are there much sooner."""


@dataclass(frozen=True)
class Door:
    """`url` without a path."""

    url: str
    key: str | None = field(repr=False)


def doors_of(settings: Settings, name: str) -> Sequence[Door]:
    """Of the persona's ears and voice, but for those that are somebody else's."""
    try:
        persona = load_persona(settings.personas, name)
    except PersonaError:
        return ()  # the call will say why it cannot be taken
    own = ((persona.ears, settings.stt), (persona.speech, settings.tts))
    return [
        Door(str(engine.url).rstrip("/"), engine.key.get_secret_value() if engine.key else None)
        for others, engine in own
        if others is None
    ]


@dataclass(frozen=True)
class Engines:
    """`call` names the call's reservation, at each of them. `doors` may block: it reads files."""

    doors: Callable[[], Sequence[Door]]
    call: str
    patience: float = PATIENCE

    async def reserve(self) -> bool:
        """False: one of them has no room, and none keeps any."""
        answers = await self._each("POST", PATH, json={"id": self.call, "seconds": SECONDS})
        if HTTPStatus.SERVICE_UNAVAILABLE not in answers:
            return True
        await self.release()
        return False

    async def release(self) -> None:
        """The call will not need it."""
        await self._each("DELETE", f"{PATH}/{self.call}")

    async def _each(self, method: str, path: str, **how: Any) -> list[int | None]:
        """The answers' statuses; None where there was none. What does not know the route says 404."""
        doors = await asyncio.to_thread(self.doors)
        async with aiohttp.ClientSession() as http:
            asked = (self._ask(http, door, method, path, how) for door in doors)
            return await asyncio.gather(*asked)

    async def _ask(
        self, http: aiohttp.ClientSession, door: Door, method: str, path: str, how: dict[str, Any]
    ) -> int | None:
        headers = {"Authorization": f"Bearer {door.key}"} if door.key else {}
        try:
            async with (
                asyncio.timeout(self.patience),
                http.request(method, door.url + path, headers=headers, **how) as answer,
            ):
                return answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            about = {"why": type(error).__name__}
            logger.info("an engine does not say if it has room", extra=about)
            return None
