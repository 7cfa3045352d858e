"""The plugin inside LiveKit's own session: what a caller hears and what the history says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from livekit.agents import Agent, AgentSession
from livekit.agents.voice.transcription.synchronizer import TranscriptSynchronizer

from csm_engine.protocol import FRAME_SECONDS
from tests.conformance.tts import MakeTTS
from tests.csm_tts.conftest import Engine
from tests.fakes.models import Listener


@asynccontextmanager
async def session_of(make_tts: MakeTTS) -> AsyncIterator[tuple[AgentSession[None], Listener]]:
    session = AgentSession[None](
        tts=make_tts(),
        vad=None,
        turn_handling={"turn_detection": "manual"},
        user_away_timeout=None,
        use_tts_aligned_transcript=True,
    )
    listener = Listener()
    synchronizer = TranscriptSynchronizer(next_in_chain_audio=listener, next_in_chain_text=None)
    session.output.audio = synchronizer.audio_output
    session.output.transcription = synchronizer.text_output
    async with session:
        await session.start(Agent(instructions=""))
        yield session, listener
    await synchronizer.aclose()


def said(session: AgentSession[None]) -> list[str]:
    return [message.text_content or "" for message in session.history.messages()]


async def test_history_holds_what_was_spoken_and_not_what_failed(make_tts: MakeTTS) -> None:
    async with session_of(make_tts) as (session, listener), asyncio.timeout(20):
        await session.say("One two. I refuse this. Three.")
        assert said(session) == ["One two. Three."]
    assert listener.heard == pytest.approx(3 * FRAME_SECONDS, abs=0.02)


async def test_an_interruption_frees_the_engine_and_the_next_speech_is_heard(
    make_tts: MakeTTS, engine: Engine
) -> None:
    async with session_of(make_tts) as (session, listener), asyncio.timeout(20):
        speech = session.say("Wait, wait. And then")
        await engine.model.first.wait()
        await session.interrupt()
        await speech
        assert speech.interrupted
        await engine.model.free.wait()
        assert engine.model.made == 1
        engine.model.go.set()
        before = listener.heard
        await session.say("One two three.")
        assert listener.heard - before == pytest.approx(3 * FRAME_SECONDS, abs=0.02)
    assert engine.gate.held == 1


async def test_a_reply_that_is_begun_at_its_clause_is_one_text_in_the_history(
    make_tts: MakeTTS, engine: Engine
) -> None:
    text = "If you like to come, we open at 9:30. Is 1,000 all right?"

    async def written() -> AsyncIterator[str]:
        for word in text.split():
            yield f"{word} "

    async with session_of(make_tts) as (session, listener), asyncio.timeout(20):
        await session.say(written())
        assert said(session)[0].split() == text.split()
    assert engine.model.spoken == [
        "If you like to come,",
        "we open at 9:30.",
        "Is 1,000 all right?",
    ]
    assert listener.heard == pytest.approx(13 * FRAME_SECONDS, abs=0.02)
