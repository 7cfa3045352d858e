"""A session that is followed, on virtual time: a real socket, a tone, and a listener."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from livekit.agents import Agent, AgentSession
from livekit.plugins import csm_tts

from tests.csm_tts.conftest import KEY, app_of
from tests.csm_tts.tone import Tone
from tests.fakes.models import FakeMind, Listener, Reply
from tests.serving.running import running

LONG = "one " * 24 + "end. " + "two " * 24 + "end."
"""Two sentences of two seconds each."""


@dataclass(frozen=True)
class Scene:
    session: AgentSession[None]
    voice: csm_tts.TTS
    model: Tone
    listener: Listener

    def told(self, kind: str) -> list[tuple[Any, ...]]:
        return [told[1:] for told in self.model.told if told[0] == kind]

    async def interrupt_after(self, seconds: float, text: str = LONG) -> None:
        """Of what the listener hears of this speech."""
        before, began = self.listener.heard, asyncio.Event()
        self.listener.once("playback_started", lambda _: began.set())
        speech = self.session.say(text)
        await began.wait()
        await asyncio.sleep(seconds)
        await self.session.interrupt()
        await speech
        assert self.listener.heard - before == pytest.approx(seconds, abs=0.05)
        await asyncio.sleep(1)  # of virtual time: the engine has been told


@asynccontextmanager
async def scene(
    agent: Agent | None = None,
    *,
    listener: Listener | None = None,
    follow: bool = True,
    **options: Any,
) -> AsyncIterator[Scene]:
    model = Tone()
    app, _ = app_of(model)
    async with running(app) as server, aiohttp.ClientSession() as http:
        model.forget()
        async with csm_tts.TTS(server.url, key=KEY, http_session=http, **options) as voice:
            session = AgentSession[None](
                tts=voice,
                llm=FakeMind(lambda _: Reply("We are.")),
                vad=None,
                turn_handling={"turn_detection": "manual"},
                user_away_timeout=None,
            )
            listener = listener or Listener()
            session.output.audio = listener
            async with session:
                await session.start(agent or Agent(instructions=""))
                if follow:
                    voice.follow(session)
                yield Scene(session, voice, model, listener)
