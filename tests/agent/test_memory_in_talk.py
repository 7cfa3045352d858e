"""What history holds of an interrupted speech, and what the model is told of it, in whole calls."""

import asyncio
import re

from livekit.agents import llm

from agent.persona import Persona
from agent.persona.policies import Memory
from tests.fakes.models import SECONDS_A_WORD
from tests.fakes.talk import STORY, Talk, last_sound, talk
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Good day.")
CUT = re.compile(
    r'\[interrupted\] You were cut off after "(.*?)"\. You had not said yet: "(.*?)"\n'
)


def bare(text: str) -> str:
    return " ".join(text.split())


async def interrupt(call: Talk, words: str) -> None:
    await call.caller.speak(1.0, words, interims=[(0.4, words)])


def asked(call: Talk) -> list[llm.ChatMessage]:
    """What the model got last."""
    return call.mind.seen[-1]


@on_virtual_time
async def test_the_model_is_told_what_it_had_not_said_and_the_history_is_what_was_heard() -> None:
    async with talk(PERSONA, [STORY, "From nine."]) as call:
        await call.told()
        await interrupt(call, "When do you open?")
        await call.until_said("From nine.")
        heard = bare(call.history()[1])
        assert STORY.startswith(heard)
        last = asked(call)[-1].text_content or ""
        cut = CUT.match(last)
        assert cut
        assert heard.endswith(cut[1])
        assert f"{heard} {cut[2]}" == bare(STORY)[: len(heard) + 1 + len(cut[2])]
        assert last.endswith("\nWhen do you open?")
        assert call.history("user") == ["Tell me a story.", "When do you open?"]


@on_virtual_time
async def test_the_history_ends_within_a_word_of_what_the_caller_heard() -> None:
    async with talk(PERSONA, [STORY, "From nine."]) as call:
        await call.told()
        began = call.now - 3.0
        await interrupt(call, "When do you open?")
        heard_seconds = last_sound(call.ear) - began
        await call.until_said("From nine.")
        words = len(call.history()[1].split())
        assert abs(words - heard_seconds / SECONDS_A_WORD) <= 1.5


@on_virtual_time
async def test_a_reply_that_was_heard_whole_needs_no_word() -> None:
    async with talk(PERSONA, ["Of course.", "From nine."]) as call:
        await call.caller.speak(1.0, "Can you help me?")
        await call.until_said("Of course.")
        await asyncio.sleep(2)  # of virtual time: it has been heard
        await call.caller.speak(1.0, "When do you open?")
        await call.until_said("From nine.")
        assert asked(call)[-1].text_content == "When do you open?"
        assert call.conversation.memory.notes == {}


@on_virtual_time
async def test_a_reply_cut_off_before_its_first_word_is_told_whole() -> None:
    async with talk(PERSONA, [STORY, "From nine."]) as call:
        speech = await call.told(seconds=0.0)
        speech.interrupt(force=True)
        await speech
        await call.caller.speak(1.0, "When do you open?")
        await call.until_said("From nine.")
        assert call.history() == ["Good day.", "From nine. "]
        told = asked(call)[-1].text_content or ""
        assert "before a word was heard" in told
        assert "Once there lived" in told


@on_virtual_time
async def test_the_model_gets_no_more_messages_than_the_persona_says() -> None:
    persona = PERSONA.model_copy(update={"memory": Memory(max_messages=4)})
    async with talk(persona, ["Of course."]) as call:
        for number in range(5):
            await call.caller.speak(1.0, f"Question number {number}?")
            await call.until_said("Of course.", again=True)
        roles = [message.role for message in asked(call)]
        assert roles == ["system", "user", "assistant", "user"]
        assert len(call.history("user")) == 5
