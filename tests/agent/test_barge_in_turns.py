"""How soon the agent answers, in whole sessions on virtual time."""

import asyncio

import pytest
from livekit.agents import ConversationItemAddedEvent

from agent.persona import Persona
from agent.persona.policies import StartSpeakingPlan
from tests.fakes.talk import STORY, Talk, talk
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Shall I book it?")
USUAL = PERSONA.start_speaking_plan
UNFINISHED = 0.1
"""What the turn model says of every turn: it does not sound finished."""


class Turns:
    """When each of the caller's was taken."""

    def __init__(self, call: Talk) -> None:
        self._call = call
        self.at: list[float] = []
        call.session.on("conversation_item_added", self._on_item)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if getattr(event.item, "role", "") == "user":
            self.at.append(self._call.now)

    async def wait_after(self, seconds: float, *said: str) -> float:
        """Of silence, until a turn of so much voice was taken."""
        began = self._call.now
        *interims, final = said
        await self._call.caller.speak(seconds, final, interims=[(0.3, text) for text in interims])
        await self._call.speaking()
        return self.at[-1] - began - seconds


@on_virtual_time
async def test_a_turn_that_does_not_sound_finished_waits() -> None:
    async with talk(PERSONA, ["I see."], end_of_turn=UNFINISHED) as call:
        waited = await Turns(call).wait_after(1.0, "On Monday", "On Monday or perhaps rather")
        assert waited == pytest.approx(USUAL.max_wait_seconds, abs=0.05)


@pytest.mark.parametrize("answer", ["Yes.", "No, thanks.", "Nine thirty.", "Right."])
def test_a_short_answer_to_a_question_does_not(answer: str) -> None:
    @on_virtual_time
    async def call_with_it() -> None:
        async with talk(PERSONA, ["I see."], end_of_turn=UNFINISHED) as call:
            waited = await Turns(call).wait_after(0.6, answer)
            assert waited == pytest.approx(USUAL.wait_seconds, abs=0.06)

    call_with_it()


@on_virtual_time
async def test_a_short_answer_that_goes_on_waits_like_any_other() -> None:
    async with talk(PERSONA, ["I see."], end_of_turn=UNFINISHED) as call:
        waited = await Turns(call).wait_after(1.0, "Yes", "Yes but only if you could")
        assert waited == pytest.approx(USUAL.max_wait_seconds, abs=0.05)


@on_virtual_time
async def test_the_same_words_without_a_question_wait() -> None:
    persona = PERSONA.model_copy(update={"greeting": "I have booked it."})
    async with talk(persona, ["I see."], end_of_turn=UNFINISHED) as call:
        waited = await Turns(call).wait_after(0.6, "Yes.")
        assert waited == pytest.approx(USUAL.max_wait_seconds, abs=0.05)


@on_virtual_time
async def test_a_persona_may_want_none_of_it() -> None:
    plan = StartSpeakingPlan(short_answers=False)
    persona = PERSONA.model_copy(update={"start_speaking_plan": plan})
    async with talk(persona, ["I see."], end_of_turn=UNFINISHED) as call:
        waited = await Turns(call).wait_after(0.6, "Yes.")
        assert waited == pytest.approx(USUAL.max_wait_seconds, abs=0.05)


@pytest.mark.parametrize("own", [None, 0.5])
def test_the_turn_that_interrupts_is_answered_sooner_and_the_next_is_not(own: float | None) -> None:
    plan = StartSpeakingPlan(max_wait_seconds_after_interruption=own)
    persona = PERSONA.model_copy(update={"start_speaking_plan": plan})

    @on_virtual_time
    async def interrupted_call() -> None:
        async with talk(persona, [STORY, "I see."], end_of_turn=UNFINISHED) as call:
            turns = Turns(call)
            await call.told()
            waited = await turns.wait_after(1.0, "Please could you", "Please could you rather just")
            assert waited == pytest.approx(own or USUAL.max_wait_seconds / 2, abs=0.05)
            speech = call.session.current_speech
            assert speech is not None
            await speech
            waited = await turns.wait_after(1.0, "And what about", "And what about the other")
            assert waited == pytest.approx(USUAL.max_wait_seconds, abs=0.05)

    interrupted_call()


@on_virtual_time
async def test_a_caller_who_goes_on_while_the_agent_thinks_has_not_interrupted() -> None:
    async with talk(PERSONA, ["well " * 40 + "yes."], end_of_turn=UNFINISHED) as call:
        await call.caller.speak(1.0, "I would like to have")
        await call.state("thinking")
        waited = await Turns(call).wait_after(1.0, "an appointment", "an appointment on Monday or")
        assert waited == pytest.approx(USUAL.max_wait_seconds, abs=0.05)


@on_virtual_time
async def test_a_false_interruption_changes_nothing() -> None:
    async with talk(PERSONA, [STORY, "I see."], end_of_turn=UNFINISHED) as call:
        story = await call.told()
        await call.caller.speak(1.0)
        await story
        waited = await Turns(call).wait_after(1.0, "On Monday", "On Monday or perhaps rather")
        assert waited == pytest.approx(USUAL.max_wait_seconds, abs=0.05)


@on_virtual_time
async def test_an_answer_that_came_before_the_question_was_over_is_taken_when_it_is() -> None:
    async with talk(PERSONA, ["Very well. Shall it be in the morning?", "Done."]) as call:
        question = call.session.generate_reply(user_input="Book me in.")
        await call.speaking()
        await asyncio.sleep(1.8)
        await call.caller.speak(0.3, "Yes.")
        await question
        await call.speaking()
        assert call.history("user") == ["Book me in.", "Yes."]
