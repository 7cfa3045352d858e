"""The plugin inside LiveKit's own session: what reaches a turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livekit import rtc
from livekit.agents import Agent, AgentSession, UserInputTranscribedEvent
from livekit.agents.voice import io

from tests.conformance.stt import MakeSTT, Spoken
from tests.whisper_stt.conftest import Engine

PATIENCE = 60.0
"""Seconds that a commit would wait for a final that never comes: longer than a test may take."""


class Microphone(io.AudioInput):
    def __init__(self) -> None:
        super().__init__(label="microphone")
        self._frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue(10_000)

    def hear(self, spoken: Spoken) -> None:
        for frame in spoken.frames():
            self._frames.put_nowait(frame)

    async def empty(self) -> None:
        """Return once all has been heard."""
        await self._frames.join()

    async def __anext__(self) -> rtc.AudioFrame:
        frame = await self._frames.get()
        self._frames.task_done()
        return frame


class Transcripts:
    """What the session says that the user said."""

    def __init__(self, session: AgentSession[None]) -> None:
        self._heard: asyncio.Queue[UserInputTranscribedEvent] = asyncio.Queue()
        session.on("user_input_transcribed", self._heard.put_nowait)

    async def until(self, text: str) -> None:
        while (await self._heard.get()).transcript != text:
            pass


@asynccontextmanager
async def session_of(
    make_stt: MakeSTT,
) -> AsyncIterator[tuple[AgentSession[None], Microphone, Transcripts]]:
    session = AgentSession[None](
        stt=make_stt(),
        vad=None,
        turn_handling={"turn_detection": "manual"},
        user_away_timeout=None,
    )
    microphone = Microphone()
    session.input.audio = microphone
    async with session, asyncio.timeout(20):
        await session.start(Agent(instructions=""))
        yield session, microphone, Transcripts(session)


async def commit(session: AgentSession[None]) -> str:
    return await session.commit_user_turn(transcript_timeout=PATIENCE, skip_reply=True)


async def test_a_committed_turn_has_the_words(make_stt: MakeSTT, spoken: Spoken) -> None:
    async with session_of(make_stt) as (session, microphone, transcripts):
        microphone.hear(spoken.then_silence())
        await transcripts.until(spoken.words)
        assert await commit(session) == spoken.words


async def test_a_commit_in_silence_does_not_wait_for_words(
    make_stt: MakeSTT, spoken: Spoken
) -> None:
    async with session_of(make_stt) as (session, microphone, _):
        microphone.hear(Spoken(b"", spoken.rate, "").then_silence())
        await microphone.empty()
        assert await commit(session) == ""


async def test_a_turn_survives_the_loss_of_the_engine_s_sockets(
    engine: Engine, make_stt: MakeSTT, spoken: Spoken
) -> None:
    async with session_of(make_stt) as (session, microphone, transcripts):
        microphone.hear(spoken.then_silence())
        await transcripts.until(spoken.words)
        engine.server.drop()
        assert await commit(session) == spoken.words
