"""What makes the agent stop, and what does not, in whole sessions on virtual time."""

import pytest

from agent.persona import Persona
from agent.playback import LEAD
from tests.fakes.talk import STORY, Talk, heard, silences, talk
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Good day.")
FADE = PERSONA.stop_speaking_plan.fade_seconds
ASKED = "Tell me a story."
OPENING = "When do you open?"


def stopped_after(call: Talk, began: float) -> float:
    """Seconds until the agent was silent for the first time."""
    return silences(call.ear, began)[0][0] - began


@on_virtual_time
async def test_a_backchannel_leaves_the_agent_the_word() -> None:
    async with talk(PERSONA, [STORY]) as call:
        story = await call.told()
        began = call.now
        await call.caller.speak(0.4, "Uh-huh.", interims=[(0.3, "Uh")])
        await story
        assert silences(call.ear, began) == []
        assert call.history("user") == [ASKED]
        assert heard(call.history()[-1]) == STORY


@on_virtual_time
async def test_a_long_acknowledgement_that_is_known_in_time_does_not_even_pause_it() -> None:
    async with talk(PERSONA, [STORY]) as call:
        story = await call.told()
        began = call.now
        interims = [(0.4, "Yeah"), (0.9, "Yeah right")]
        await call.caller.speak(1.6, "Yeah, right, okay.", interims=interims)
        await story
        assert silences(call.ear, began) == []


@on_virtual_time
async def test_what_may_become_an_acknowledgement_is_waited_for_and_then_forgotten() -> None:
    async with talk(PERSONA, [STORY, "From nine."]) as call:
        story = await call.told()
        began = call.now
        told: list[str] = []
        call.session.on("user_input_transcribed", lambda event: told.append(event.transcript))
        await call.caller.speak(1.2, "That's right.", interims=[(0.4, "That's")])
        await story
        assert silences(call.ear, began) == []
        assert told == ["That's", ""]  # the session keeps no word of it
        await call.caller.speak(1.0, OPENING)
        await call.speaking()
        assert call.history("user") == [ASKED, OPENING]


@on_virtual_time
async def test_a_beginning_that_goes_on_otherwise_interrupts() -> None:
    async with talk(PERSONA, [STORY, "Which part?"]) as call:
        story = await call.told()
        interims = [(0.4, "That's"), (0.9, "That's not")]
        await call.caller.speak(1.2, "That's not what I asked.", interims=interims)
        assert story.interrupted


@on_virtual_time
async def test_a_pause_for_an_acknowledgement_ends_with_its_words_and_loses_no_sound() -> None:
    async with talk(PERSONA, [STORY]) as call:
        story = await call.told()
        began = call.now
        await call.caller.speak(1.2, "Yeah, right, okay.", interims=[(0.9, "Yeah right")])
        await story
        [(_, pause)] = silences(call.ear, began)
        assert pause <= 0.9 - 0.5
        assert heard(call.history()[-1]) == STORY
        assert call.voice.closed == 0


@on_virtual_time
async def test_after_a_noise_the_agent_goes_on() -> None:
    async with talk(PERSONA, [STORY]) as call:
        story = await call.told()
        began = call.now
        await call.caller.speak(0.3)  # a cough
        await call.caller.speak(0.8)  # a door, and what fell from the table
        await story
        assert len(silences(call.ear, began)) == 1
        assert heard(call.history()[-1]) == STORY
        assert call.history("user") == [ASKED]


@on_virtual_time
async def test_words_that_claim_the_turn_interrupt_at_once() -> None:
    async with talk(PERSONA, [STORY, "From nine."]) as call:
        story = await call.told()
        began = call.now
        await call.caller.speak(0.45, OPENING, interims=[(0.3, "When do")])
        assert story.interrupted
        await call.speaking()
        assert stopped_after(call, began) <= 0.35 + LEAD + FADE


@on_virtual_time
async def test_words_after_an_acknowledgement_interrupt() -> None:
    async with talk(PERSONA, [STORY, "From nine."]) as call:
        story = await call.told()
        interims = [(0.3, "Yeah"), (0.8, "Yeah but when do")]
        await call.caller.speak(1.0, "Yeah, but when do you open?", interims=interims)
        assert story.interrupted
        await call.speaking()
        assert call.history("user")[-1] == "Yeah, but when do you open?"


@pytest.mark.parametrize("phrase", ["Stop", "Wait", "Hold on"])
def test_an_interruption_phrase_interrupts_at_once(phrase: str) -> None:
    @on_virtual_time
    async def call_with_it() -> None:
        async with talk(PERSONA, [STORY, "Yes?"]) as call:
            story = await call.told()
            began = call.now
            await call.caller.speak(0.4, f"{phrase}.", interims=[(0.3, phrase)])
            assert story.interrupted
            await call.speaking()
            assert stopped_after(call, began) <= 0.35 + LEAD + FADE

    call_with_it()


@on_virtual_time
async def test_sustained_speech_silences_the_agent_before_its_words_are_known() -> None:
    async with talk(PERSONA, [STORY, "From nine."]) as call:
        story = await call.told()
        began = call.now
        await call.caller.speak(2.0, OPENING)
        assert story.interrupted
        await call.speaking()
        assert stopped_after(call, began) <= 0.55 + LEAD + FADE


@on_virtual_time
async def test_the_greeting_is_interrupted_like_any_other_speech() -> None:
    async with talk(PERSONA.model_copy(update={"greeting": STORY}), ["From nine."]) as call:
        await call.caller.speak(0.6, OPENING, interims=[(0.4, "When do you")])
        await call.speaking()
        assert call.history("user") == [OPENING]
        assert 0 < len(call.history()[0]) < len(STORY)


@on_virtual_time
async def test_mind_and_voice_are_let_go_at_the_source() -> None:
    async with talk(PERSONA, [STORY, "From nine."]) as call:
        await call.told(seconds=0.5)
        await call.caller.speak(0.6, OPENING, interims=[(0.4, "When do you")])
        assert call.mind.closed == 1
        assert call.voice.closed == 1


@on_virtual_time
async def test_sound_alone_does_not_stop_the_agent_again_for_a_while() -> None:
    async with talk(PERSONA, [STORY]) as call:
        await call.told()
        stopped = call.now + 0.3
        await call.caller.speak(0.4, "Stop.", interims=[(0.3, "Stop")])
        await call.speaking()
        began = call.now
        await call.caller.speak(0.55)
        assert call.now - 0.25 < stopped + PERSONA.stop_speaking_plan.backoff_seconds
        assert call.session.agent_state == "speaking"
        assert silences(call.ear, began) == []


@on_virtual_time
async def test_sound_stops_it_again_when_that_is_over() -> None:
    async with talk(PERSONA, [STORY]) as call:
        await call.told()
        await call.caller.speak(0.4, "Stop.", interims=[(0.3, "Stop")])
        await call.speaking()
        await call.caller.speak(2.0)
        assert call.session.agent_state == "listening"


@on_virtual_time
async def test_words_stop_it_again_at_once() -> None:
    async with talk(PERSONA, [STORY]) as call:
        await call.told()
        await call.caller.speak(0.4, "Stop.", interims=[(0.3, "Stop")])
        await call.speaking()
        again = call.session.current_speech
        assert again is not None
        await call.caller.speak(0.4, "Hold on.", interims=[(0.3, "Hold on")])
        assert again.interrupted
