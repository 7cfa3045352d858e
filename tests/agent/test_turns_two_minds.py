"""A mind that fails in the middle of a call, and the next one: whole sessions on virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from livekit.agents import llm
from livekit.agents.voice.transcription import TranscriptSynchronizer

from agent.call import Call
from agent.config import Settings
from agent.conversation import Conversation
from agent.doors import longest_thought
from agent.persona import Persona
from agent.session import Models, assemble
from tests.fakes.caller import Caller
from tests.fakes.earpiece import Earpiece
from tests.fakes.models import Reply
from tests.fakes.steady import SteadyMind, SteadyVoice
from tests.fakes.talk import GREETED, FakeDetector, Talk, last_sound, silences
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona.model_validate(
    {
        "name": "clerk",
        "instructions": "Be brief.",
        "greeting": "Good day.",
        "minds": [
            {"url": "http://127.0.0.1:1/v1", "model": "first"},
            {"url": "http://127.0.0.1:2/v1", "model": "second"},
        ],
    }
)
TIMEOUT = longest_thought(Settings(), PERSONA)
QUIET = 4.0
"""Seconds that the caller may hear nothing without knowing why."""


@dataclass
class Answers:
    """What a mind says next; it goes on with the last."""

    left: list[Reply] = field(default_factory=list)

    def __call__(self, _: list[llm.ChatMessage]) -> Reply:
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]


@asynccontextmanager
async def talk_with(first: SteadyMind, second: SteadyMind) -> AsyncIterator[Talk]:
    """The greeting is over."""
    settings = Settings()
    caller, ear, voice = Caller(), Earpiece(), SteadyVoice()
    mind = llm.FallbackAdapter([first, second], attempt_timeout=TIMEOUT)
    models = Models(caller.ears, mind, voice, caller.vad, FakeDetector(0.9))
    session = assemble(settings, PERSONA, models)
    synchronized = TranscriptSynchronizer(next_in_chain_audio=ear, next_in_chain_text=None)
    session.output.audio = synchronized.audio_output
    session.output.transcription = synchronized.text_output
    conversation = Conversation(settings, PERSONA, Call(id="c1", started_at=0.0), session)
    await conversation.start()
    talking = asyncio.create_task(conversation.run())
    await asyncio.sleep(GREETED)
    try:
        yield Talk(caller, ear, first, voice, session, conversation)
    finally:
        conversation.end("the test is over")
        await talking
        await conversation.aclose()
        await synchronized.aclose()
        await mind.aclose()


@pytest.mark.parametrize(
    "failing",
    [Reply("", fails=True), Reply("", fails=True, after=TIMEOUT)],
    ids=["away", "hanging"],
)
def test_the_caller_hears_the_second_mind_s_answer(failing: Reply) -> None:
    @on_virtual_time
    async def call() -> None:
        first = SteadyMind(Answers([Reply("From nine."), failing]))
        second = SteadyMind(Answers([Reply("On Water Street.")]))
        async with talk_with(first, second) as talk:
            await talk.caller.speak(1.0, "When do you open?")
            await talk.until_said("From nine.")
            assert second.seen == []
            asked = talk.now
            await talk.caller.speak(1.0, "And where are you?")
            await talk.until_said("On Water Street.")
            assert talk.voice.spoken == ["Good day.", "From nine.", "On Water Street."]
            assert talk.history("user") == ["When do you open?", "And where are you?"]
            assert all(length < QUIET for _, length in silences(talk.ear, asked))
            assert last_sound(talk.ear) > asked

    call()


@on_virtual_time
async def test_a_mind_that_is_well_again_has_the_word_again() -> None:
    first = SteadyMind(Answers([Reply("", fails=True), Reply("From nine.")]))
    second = SteadyMind(Answers([Reply("On Water Street.")]))
    async with talk_with(first, second) as talk:
        await talk.caller.speak(1.0, "Where are you?")
        await talk.until_said("On Water Street.")
        await asyncio.sleep(3.0)
        await talk.caller.speak(1.0, "When do you open?")
        await talk.until_said("From nine.")
        assert len(second.seen) == 1


@on_virtual_time
async def test_two_minds_that_fail_are_apologised_for() -> None:
    first = SteadyMind(Answers([Reply("From nine."), Reply("", fails=True)]))
    second = SteadyMind(Answers([Reply("", fails=True), Reply("On Water Street.")]))
    async with talk_with(first, second) as talk:
        await talk.caller.speak(1.0, "When do you open?")
        await talk.until_said("From nine.")
        await talk.caller.speak(1.0, "And where are you?")
        await talk.until_said("On Water Street.")
        assert talk.session.agent_state in {"speaking", "listening"}
