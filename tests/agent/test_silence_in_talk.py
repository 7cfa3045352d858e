"""What is said into a caller's silence, and after speech without words, in whole calls."""

import asyncio

import pytest

from agent.persona import Persona
from agent.persona.policies import Limits, MessagePlan
from tests.fakes.talk import STORY, talk
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona(
    name="clerk",
    instructions="Be brief.",
    greeting="Good day.",
    message_plan=MessagePlan(
        idle_messages=("Hello?", "Still there?"),
        idle_timeout_seconds=10.0,
        silence_timeout_message="I hang up now.",
    ),
)
UNHEARD = PERSONA.failure_plan.unheard_message


@on_virtual_time
async def test_a_caller_who_says_nothing_is_asked_twice_and_then_left() -> None:
    async with talk(PERSONA, ["Of course."]) as call:
        assert await call.ended() == "silence"
        assert call.history() == ["Good day.", "Hello?", "Still there?"]
        assert call.voice.spoken[-1] == "I hang up now."


@on_virtual_time
async def test_silence_counts_from_the_end_of_the_agents_speech() -> None:
    async with talk(PERSONA, [STORY]) as call:
        await call.told(0)
        await call.session.current_speech  # type: ignore[misc]
        ended = call.now
        await call.until_said("Hello?")
        assert call.now - ended == pytest.approx(10.0, abs=0.5)


@on_virtual_time
async def test_a_caller_who_answers_in_time_stays() -> None:
    async with talk(PERSONA, ["Of course."]) as call:
        await call.until_said("Still there?")
        await call.caller.speak(1.0, "Yes, I was looking for my card.")
        await call.until_said("Of course.")
        await call.until_said("Hello?", again=True)
        assert not call.conversation.over.done()


@on_virtual_time
async def test_the_goodbye_into_silence_can_be_talked_out_of() -> None:
    async with talk(PERSONA, ["Of course."]) as call:
        await call.until_said("Still there?")
        await call.speaking()
        assert call.voice.spoken[-1] == "I hang up now."
        await call.caller.speak(1.5, "No, do not, I am here.", interims=[(0.6, "No, do not")])
        await call.until_said("Of course.")
        assert not call.conversation.over.done()


@on_virtual_time
async def test_speech_without_words_is_said_not_to_have_been_caught() -> None:
    async with talk(PERSONA, ["Of course."]) as call:
        await call.caller.speak(1.0)
        ended = call.now
        await call.until_said(UNHEARD)
        unheard_after = PERSONA.failure_plan.unheard_seconds
        assert call.now - ended == pytest.approx(unheard_after, abs=1.5)


@on_virtual_time
async def test_words_that_are_late_are_waited_for() -> None:
    """On a machine that stalls the ears take longer than a caller would wait for an apology."""
    async with talk(PERSONA, ["Of course."], ears_answer=True) as call:
        await call.caller.speak(1.0)
        await asyncio.sleep(PERSONA.failure_plan.unheard_seconds + 1.0)  # of virtual time
        call.caller.hear("May I come in?")
        await call.until_said("Of course.")
        assert UNHEARD not in call.history()


@on_virtual_time
async def test_ears_that_heard_nothing_and_say_so_late_are_believed_at_once() -> None:
    async with talk(PERSONA, ["Of course."], ears_answer=True) as call:
        await call.caller.speak(1.0)
        await asyncio.sleep(PERSONA.failure_plan.unheard_seconds + 1.0)  # of virtual time
        call.caller.hear("")
        answered = call.now
        await call.until_said(UNHEARD)
        assert call.now - answered < 2.5  # with the message itself


@on_virtual_time
async def test_ears_that_heard_nothing_and_said_so_in_time_cost_no_wait() -> None:
    async with talk(PERSONA, ["Of course."], ears_answer=True) as call:
        await call.caller.speak(1.0)
        ended = call.now
        call.caller.hear("")
        await call.until_said(UNHEARD)
        unheard_after = PERSONA.failure_plan.unheard_seconds
        assert call.now - ended == pytest.approx(unheard_after, abs=1.5)


@on_virtual_time
async def test_ears_that_never_answer_are_not_waited_for_for_ever() -> None:
    async with talk(PERSONA, ["Of course."], ears_answer=True) as call:
        await call.caller.speak(1.0)
        await call.until_said(UNHEARD)


@on_virtual_time
async def test_a_caller_who_speaks_again_is_not_told_that_they_were_not_caught() -> None:
    async with talk(PERSONA, ["Of course."], ears_answer=True) as call:
        await call.caller.speak(1.0)
        await asyncio.sleep(PERSONA.failure_plan.unheard_seconds + 1.0)  # of virtual time
        await call.caller.speak(1.0, "May I come in?")
        await call.until_said("Of course.")
        await call.until_said("Hello?")
        assert UNHEARD not in call.history()


@on_virtual_time
async def test_a_cough_is_not_answered() -> None:
    async with talk(PERSONA, ["Of course."]) as call:
        await call.caller.speak(0.3)
        await call.until_said("Hello?")
        assert UNHEARD not in call.history()


@on_virtual_time
async def test_a_sound_over_the_agents_words_is_not_answered() -> None:
    async with talk(PERSONA, [STORY]) as call:
        await call.told()
        await call.caller.speak(0.8)
        await call.until_said("Hello?")
        assert UNHEARD not in call.history()


@on_virtual_time
async def test_a_line_that_is_never_silent_is_spoken_to_twice_at_most() -> None:
    plan = MessagePlan(idle_timeout_seconds=60.0)
    async with talk(PERSONA.model_copy(update={"message_plan": plan}), ["Of course."]) as call:
        for _ in range(4):
            await call.caller.speak(1.0)
            await asyncio.sleep(6)  # of virtual time
        assert call.history().count(UNHEARD) == 2


@on_virtual_time
async def test_a_call_is_warned_and_ended_when_its_time_is_up() -> None:
    limits = Limits(
        max_duration_seconds=40.0,
        duration_warning_seconds=15.0,
        duration_warning_message="We have little time.",
        duration_end_message="Our time is up.",
    )
    plan = MessagePlan(idle_timeout_seconds=60.0)
    persona = PERSONA.model_copy(update={"limits": limits, "message_plan": plan})
    async with talk(persona, [STORY]) as call:
        began = call.now - 3.0
        await call.until_said("We have little time.")
        assert call.now - began == pytest.approx(25.0, abs=2.0)
        await call.told(0)
        assert await call.ended() == "time is up"
        assert call.voice.spoken[-1] == "Our time is up."
        assert call.now - began < 45.0


@on_virtual_time
async def test_the_agent_takes_the_word_from_a_caller_who_goes_on_and_keeps_theirs_once() -> None:
    persona = PERSONA.model_copy(update={"limits": Limits(max_turn_words=10)})
    async with talk(persona, ["May I?"], end_of_turn=0.0) as call:
        for number in range(5):
            await call.caller.speak(1.6, f"and then part {number}")
        taken, *_ = call.history("user")
        assert taken == "and then part 0 and then part 1 and then part 2"
        await call.until_said("May I?")
        await call.until_said("May I?", again=True)
        assert call.history("user") == [taken, "and then part 3 and then part 4"]
