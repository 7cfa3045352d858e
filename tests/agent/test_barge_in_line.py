"""The line's echo, and what a turn must not contain, in whole sessions on virtual time."""

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest

from agent.config import Settings
from agent.persona import Persona
from agent.persona.policies import StopSpeakingPlan
from tests.fakes.models import RATE, SECONDS_A_WORD
from tests.fakes.talk import STORY, heard, last_sound, silences, talk
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Good day.")
ASKED = "Tell me a story."


def words_at(second: float, count: int) -> str:
    """Of the story, that many from where it is so far in."""
    first = int(second / SECONDS_A_WORD)
    return " ".join(STORY.split()[first : first + count])


@pytest.mark.parametrize("delay", [0.12, 0.3])
def test_an_echo_neither_stops_the_agent_nor_makes_a_turn(delay: float) -> None:
    @on_virtual_time
    async def call_with_echo() -> None:
        async with talk(PERSONA, [STORY]) as call:
            story = await call.told(4.5 + delay)
            began = call.now
            said = words_at(4.5, 5)
            await call.caller.speak(5 * SECONDS_A_WORD, said, interims=[(0.4, words_at(4.5, 2))])
            await story
            assert call.history("user") == [ASKED]
            assert heard(call.history()[-1]) == STORY
            assert silences(call.ear, began) == []

    call_with_echo()


@on_virtual_time
async def test_an_echo_that_was_misheard_is_one_still() -> None:
    async with talk(PERSONA, [STORY]) as call:
        story = await call.told(4.6)
        said = words_at(4.5, 5).split()
        said[1] = "mumble"
        await call.caller.speak(1.5, " ".join(said))
        await story
        assert call.history("user") == [ASKED]


@on_virtual_time
async def test_the_echo_of_a_sentence_that_is_over_already_makes_no_turn() -> None:
    answer = "At nine on Mondays."
    async with talk(PERSONA, [answer]) as call:
        await (await call.told(0.1))
        await asyncio.sleep(0.2)
        await call.caller.speak(1.2, answer)
        await asyncio.sleep(6.0)
        assert call.history("user") == [ASKED]
        assert call.voice.spoken[-1] == answer  # and nobody asks the caller to say it again


@on_virtual_time
async def test_what_the_caller_says_after_an_echo_is_all_that_makes_their_turn() -> None:
    async with talk(PERSONA, [STORY, "From nine."]) as call:
        await call.told(4.6)
        said = f"{words_at(4.5, 4)} sorry when do you open?"
        await call.caller.speak(2.5, said)
        await call.speaking()
        assert call.history("user")[-1] == "sorry when do you open?"


@on_virtual_time
async def test_the_agents_words_in_the_callers_mouth_are_the_callers() -> None:
    persona = PERSONA.model_copy(update={"greeting": "Monday at nine or Tuesday at ten?"})
    async with talk(persona, ["Done."]) as call:
        await call.caller.speak(0.8, "Tuesday at ten.")
        await call.speaking()
        assert call.history("user") == ["Tuesday at ten."]


@on_virtual_time
async def test_a_turn_holds_nothing_of_what_was_acknowledged_before() -> None:
    async with talk(PERSONA, [STORY, "From nine."]) as call:
        await call.told()
        await call.caller.speak(0.4, "Uh-huh.", interims=[(0.3, "Uh")])
        await call.caller.speak(0.4, "Right.")
        await call.caller.speak(0.8, "When do you open?", interims=[(0.5, "When do you")])
        await call.speaking()
        assert call.history("user") == [ASKED, "When do you open?"]


@on_virtual_time
async def test_the_caller_is_heard_right_after_an_interruption() -> None:
    async with talk(PERSONA, [STORY, "I see."]) as call:
        await call.told()
        await call.caller.speak(0.5, "Hold on.", interims=[(0.3, "Hold on")])
        await call.caller.speak(0.6, "I have a question.")
        await call.speaking()
        assert " ".join(call.history("user")[1:]) == "Hold on. I have a question."


@pytest.mark.parametrize("seconds", [1.7, 4.0, 7.3])
def test_the_history_of_an_interruption_is_what_was_heard(seconds: float) -> None:
    @on_virtual_time
    async def interrupted_call() -> None:
        async with talk(PERSONA, [STORY, "From nine."]) as call:
            story = await call.told(seconds)
            began = call.now - seconds
            await call.caller.speak(0.5, "When do you open?", interims=[(0.3, "When do you")])
            await story
            words_heard = (last_sound(call.ear) - began) / SECONDS_A_WORD
            words_kept = len(call.history()[-1].split())
            assert words_kept == pytest.approx(words_heard, abs=1.5)

    interrupted_call()


@on_virtual_time
async def test_the_history_counts_no_word_twice_after_a_pause() -> None:
    async with talk(PERSONA, [STORY, "From nine."]) as call:
        story = await call.told(2.0)
        began = call.now - 2.0
        await call.caller.speak(0.8)
        await call.speaking()
        await asyncio.sleep(1.5)
        await call.caller.speak(0.5, "When do you open?", interims=[(0.3, "When do you")])
        await story
        [(_, paused)] = silences(call.ear, began)
        sound = last_sound(call.ear) - began - paused
        assert len(call.history()[-1].split()) == pytest.approx(sound / SECONDS_A_WORD, abs=1.5)


def test_a_breath_of_the_personas_own_follows_an_interruption(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "breath.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", "NONE"))
        file.writeframes(np.full(RATE // 4, 20_000, np.int16).tobytes())
    plan = StopSpeakingPlan(trailing_clip="breath.wav")
    persona = PERSONA.model_copy(update={"stop_speaking_plan": plan})

    @on_virtual_time
    async def interrupted_call() -> None:
        async with talk(persona, [STORY, "I see."], settings=Settings(personas=tmp_path)) as call:
            story = await call.told()
            await call.caller.speak(0.5, "When do you open?", interims=[(0.3, "When do you")])
            await story
            assert call.ear.recording().max() == 16_000

    interrupted_call()
