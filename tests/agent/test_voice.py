"""A call with our own voice: its engine knows what the caller heard, and no more."""

import asyncio

import aiohttp
import pytest
from livekit import rtc
from livekit.agents import AgentSession
from livekit.plugins import csm_tts

from agent import voice
from agent.call import Call
from agent.config import Settings
from agent.conversation import Conversation
from agent.persona import Persona
from csm_engine.protocol import FRAME_SECONDS
from tests.csm_tts.conftest import KEY, app_of
from tests.csm_tts.tone import Tone
from tests.fakes.models import FakeMind, FakeVoice, Listener, Reply
from tests.fakes.virtual_time import on_virtual_time
from tests.serving.running import running

PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Good " * 49 + "day.")
GREETING_SECONDS = 50 * FRAME_SECONDS


@on_virtual_time
async def test_of_a_greeting_that_was_cut_off_the_engine_remembers_what_was_heard() -> None:
    model, listener = Tone(), Listener()
    app, _ = app_of(model)
    async with running(app) as server, aiohttp.ClientSession() as http:
        model.forget()
        ours = csm_tts.TTS(server.url, key=KEY, http_session=http)
        session = AgentSession[None](
            tts=ours,
            llm=FakeMind(lambda _: Reply("Of course.")),
            vad=None,
            turn_handling={"turn_detection": "manual"},
            user_away_timeout=None,
        )
        session.output.audio = listener
        settings = Settings()
        talk = Conversation(settings, PERSONA, Call(id="c1", started_at=0.0), session)
        await talk.start()
        talking = asyncio.create_task(talk.run())
        await asyncio.sleep(settings.lead_in + 2.0)
        await session.interrupt()
        await asyncio.sleep(1.0)
        cuts = [told[2] for told in model.told if told[0] == "cut"]
        talk.end("the test is over")
        await talking
        await talk.aclose()
    assert listener.heard < settings.lead_in + GREETING_SECONDS
    assert listener.most_ahead <= settings.max_queued_audio + 0.25
    assert cuts[-1] == pytest.approx(listener.heard - settings.lead_in, abs=0.02)


@on_virtual_time
async def test_a_voice_that_is_to_know_how_the_caller_sounds_hears_them() -> None:
    model = Tone()
    app, _ = app_of(model)
    frame = rtc.AudioFrame(bytes(640), 16_000, 1, 320)
    async with running(app) as server, aiohttp.ClientSession() as http:
        model.forget()
        ours = csm_tts.TTS(server.url, key=KEY, remembers="sounds", http_session=http)
        async with ours, AgentSession[None](tts=ours, vad=None) as session:
            ours.prewarm()
            await asyncio.sleep(1)
            voice.hear(session, frame)
            await asyncio.sleep(1)
    assert ("hear", 640) in model.told


@on_virtual_time
async def test_another_voice_is_asked_for_nothing() -> None:
    session = AgentSession[None](tts=FakeVoice(), vad=None)
    voice.follow(session)
    voice.hear(session, rtc.AudioFrame(bytes(640), 16_000, 1, 320))
    assert session.output.audio is None
