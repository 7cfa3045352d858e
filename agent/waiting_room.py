"""What a caller who waits for a place hears: the persona's voice, and music between."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator

from livekit import rtc
from livekit.agents import APIError, tts
from livekit.rtc.participant import PublishTrackError

from agent import doors as doors_to
from agent.beside import play_beside
from agent.clips import Clip, frames
from agent.config import Settings
from agent.doors import Doors, mind_client
from agent.music import play_music
from agent.persona import load_persona

logger = logging.getLogger(__name__)

SENTENCE = 15.0
"""Seconds for an announcement."""


class WaitingRoom:
    """On tracks of their own, for there is no session yet. A voice that fails is left out: the music
    says that the call is alive."""

    def __init__(self, room: rtc.Room, settings: Settings, persona: str) -> None:
        """Raises `PersonaError`."""
        self._room = room
        self._settings = settings
        self._persona = load_persona(settings.personas, persona)

    async def say(self, text: str) -> None:
        """By a voice that is opened for it: who waits holds no place in an engine."""
        try:
            async with (
                asyncio.timeout(SENTENCE),
                Doors.opened(mind_client(self._settings.llm), os.environ) as doors,
            ):
                voice = doors_to.voice(self._settings, self._persona, doors)
                try:
                    await play_beside(self._room, self._spoken(voice, text))
                finally:
                    await voice.aclose()
        except (APIError, PublishTrackError, TimeoutError) as error:
            about = {"why": type(error).__name__}
            logger.warning("a caller is not told how long they wait", extra=about)

    async def music(self) -> None:
        clip = self._persona.hold_music
        await play_music(self._room, self._settings.personas / clip if clip else None)

    async def _spoken(self, voice: tts.TTS, text: str) -> AsyncGenerator[rtc.AudioFrame]:
        """After the silence that has the bridge answer the call."""
        async for frame in frames(Clip.silence(self._settings.lead_in)):
            yield frame
        async with voice.synthesize(text) as speech:
            async for piece in speech:
                yield piece.frame
