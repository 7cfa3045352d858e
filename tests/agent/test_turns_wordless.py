"""A voice without words under the agent's, in whole sessions on virtual time."""

import asyncio

from agent.persona import Persona
from tests.fakes.caller import SILENCE
from tests.fakes.talk import STORY, Talk, heard, silences, talk
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Good day.")
ASKED = "Tell me a story."
DECIDES = PERSONA.stop_speaking_plan.voice_seconds
EARS = 0.1
"""Seconds in which the ears find no words."""
ABOUT = 0.1


async def laughed(call: Talk, seconds: float) -> None:
    await call.caller.speak(seconds)
    await asyncio.sleep(EARS)
    call.caller.hear("")


@on_virtual_time
async def test_the_agent_goes_on_as_soon_as_the_ears_have_found_no_words() -> None:
    async with talk(PERSONA, [STORY], ears_answer=True) as call:
        story = await call.told()
        began = call.now
        await laughed(call, 1.0)
        await story
        [(_, pause)] = silences(call.ear, began)
        assert pause <= 1.0 - DECIDES + SILENCE + EARS + ABOUT
        assert heard(call.history()[-1]) == STORY
        assert call.history("user") == [ASKED]
        assert call.voice.closed == 0


@on_virtual_time
async def test_the_same_noise_again_does_not_even_pause_it_for_a_while() -> None:
    async with talk(PERSONA, [STORY], ears_answer=True) as call:
        story = await call.told()
        began = call.now
        await laughed(call, 0.7)
        await laughed(call, 0.7)
        await story
        assert len(silences(call.ear, began)) == 1


@on_virtual_time
async def test_words_still_interrupt_then() -> None:
    async with talk(PERSONA, [STORY, "From nine."], ears_answer=True) as call:
        story = await call.told()
        await laughed(call, 1.0)
        await call.caller.speak(0.6, "When do you open?", interims=[(0.3, "When do")])
        assert story.interrupted
        await call.speaking()
        assert call.history("user")[-1] == "When do you open?"


@on_virtual_time
async def test_a_caller_who_speaks_again_meanwhile_is_not_spoken_over() -> None:
    async with talk(PERSONA, [STORY, "From nine."], ears_answer=True) as call:
        story = await call.told()
        await call.caller.speak(0.7)
        question = asyncio.create_task(call.caller.speak(1.2, "When do you open?"))
        await asyncio.sleep(EARS)
        call.caller.hear("")
        await asyncio.sleep(EARS)
        assert call.playback.paused
        await question
        assert story.interrupted
        await call.speaking()
        assert call.history("user")[-1] == "When do you open?"


@on_virtual_time
async def test_an_answer_of_the_ears_about_silence_leaves_a_voice_alone_that_speaks() -> None:
    async with talk(PERSONA, [STORY], ears_answer=True) as call:
        story = await call.told()
        began = call.now
        call.caller.hear("")
        await story
        assert silences(call.ear, began) == []
        assert heard(call.history()[-1]) == STORY
