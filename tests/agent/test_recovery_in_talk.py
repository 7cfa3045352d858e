"""What a caller hears while a part of the agent is slow or away, in whole calls."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from agent.clips import Clip
from agent.persona import Persona
from agent.persona.policies import FailurePlan
from tests.fakes.earpiece import Earpiece
from tests.fakes.models import RATE, SECONDS_A_WORD, Reply
from tests.fakes.steady import LEVEL
from tests.fakes.talk import STORY, Talk, talk
from tests.fakes.telephone import FakeTelephone
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Good day.")
MOMENT, GOODBYE = Clip.load("moment"), Clip.load("goodbye")
KNOWING = 4.0
"""Seconds that a caller may hear nothing without knowing why."""

GONE = Reply(fails=True)


def with_plan(**plan: object) -> Persona:
    return PERSONA.model_copy(update={"failure_plan": FailurePlan.model_validate(plan)})


def heard_at(ear: Earpiece, clip: Clip) -> list[float]:
    """When the clip began, each time that its loudest fiftieth of a second was heard."""
    recording, sound = ear.recording(), np.frombuffer(clip.pcm, np.int16)
    loudest = int(np.argmax(sound))
    probe = sound[loudest : loudest + RATE // 50]
    places = np.flatnonzero(recording == probe[0])
    return [
        ear.opened + (int(place) - loudest) / RATE
        for place in places
        if np.array_equal(recording[place : place + len(probe)], probe)
    ]


async def ask(call: Talk) -> float:
    """When the caller had asked."""
    await call.caller.speak(1.0, "When do you open?")
    return call.now


@on_virtual_time
async def test_a_slow_mind_is_explained_in_time_and_then_answers() -> None:
    async with talk(PERSONA, [Reply("From nine.", after=7.0)]) as call:
        asked = await ask(call)
        await call.until_said("From nine.")
        [moment] = heard_at(call.ear, MOMENT)
        assert moment - asked < KNOWING
        assert call.history() == ["Good day.", "From nine. "]
        assert call.conversation.call.apologies == 1


@on_virtual_time
async def test_a_mind_that_answers_in_time_is_not_explained() -> None:
    async with talk(PERSONA, [Reply("From nine.", after=1.5)]) as call:
        await ask(call)
        await call.until_said("From nine.")
        assert heard_at(call.ear, MOMENT) == []


@on_virtual_time
async def test_a_mind_that_is_slow_and_then_fails_is_apologised_for_once() -> None:
    slow = Reply(after=4.0, fails=True)
    async with talk(PERSONA, [slow, slow, Reply("From nine.")]) as call:
        await ask(call)
        await call.until_said("From nine.")
        assert len(heard_at(call.ear, MOMENT)) == 1
        assert call.conversation.call.apologies == 1


@on_virtual_time
async def test_many_errors_in_one_turn_end_neither_turn_nor_call() -> None:
    async with talk(PERSONA, [GONE, GONE, GONE, GONE, GONE, "From nine."]) as call:
        asked = await ask(call)
        await call.until_said("From nine.")
        [moment] = heard_at(call.ear, MOMENT)
        assert moment - asked < KNOWING
        assert not call.conversation.over.done()


@on_virtual_time
async def test_the_model_does_not_read_of_the_moment_that_was_asked_for() -> None:
    async with talk(PERSONA, [Reply("From nine.", after=7.0), "Until six."]) as call:
        await ask(call)
        await call.until_said("From nine.")
        await asyncio.sleep(2)  # of virtual time: it has been heard
        await call.caller.speak(1.0, "Until when?")
        await call.until_said("Until six.")
        texts = [message.text_content or "" for message in call.mind.seen[-1]]
        assert not any(MOMENT.text in text for text in texts)


@on_virtual_time
async def test_a_personas_own_words_are_spoken_by_its_voice() -> None:
    persona = with_plan(moment_message="Bear with me.", goodbye_message="We have to stop here.")
    async with talk(persona, [GONE]) as call:
        await ask(call)
        assert await call.ended() == "mind stayed away"
        assert call.voice.spoken.count("Bear with me.") == 1
        assert call.voice.spoken[-1] == "We have to stop here."
        assert heard_at(call.ear, MOMENT) == heard_at(call.ear, GOODBYE) == []


@on_virtual_time
async def test_a_personas_own_words_are_spoken_by_its_voice_while_the_mind_is_slow() -> None:
    persona = with_plan(moment_message="Bear with me.")
    async with talk(persona, [Reply("From nine.", after=7.0)]) as call:
        await ask(call)
        await call.until_said("From nine.")
        assert call.voice.spoken == ["Good day.", "Bear with me.", "From nine."]
        assert call.history() == ["Good day.", "From nine. "]


@on_virtual_time
async def test_without_a_voice_the_clips_stand_in_for_a_personas_own_words() -> None:
    persona = with_plan(moment_message="Bear with me.", goodbye_message="We have to stop here.")
    async with talk(persona, ["From nine."]) as call:
        call.voice.works = False
        asked = await ask(call)
        assert await call.ended() == "voice stayed away"
        [moment] = heard_at(call.ear, MOMENT)
        assert moment - asked < KNOWING
        assert len(heard_at(call.ear, GOODBYE)) == 1


@on_virtual_time
async def test_a_slow_voice_is_explained_in_time_and_then_speaks() -> None:
    async with talk(PERSONA, ["From nine."]) as call:
        call.voice.slow = 6.0
        asked = await ask(call)
        await call.until_said("From nine.")
        [moment] = heard_at(call.ear, MOMENT)
        assert moment - asked < KNOWING
        assert call.conversation.call.apologies == 1


@on_virtual_time
async def test_of_a_reply_that_began_with_a_clip_the_history_is_what_was_heard() -> None:
    async with talk(PERSONA, [STORY, "From nine."]) as call:
        call.voice.slow = 3.0
        await call.told(seconds=5.0)
        await call.caller.speak(1.0, "When do you open?", interims=[(0.4, "When do you open")])
        await call.until_said("From nine.")
        spoken = np.count_nonzero(call.ear.recording() == LEVEL) / RATE
        words = len(" ".join(call.history()).split())
        assert abs(words - spoken / SECONDS_A_WORD) <= 2


@on_virtual_time
async def test_a_voice_that_is_slow_and_then_fails_says_later_what_was_owed() -> None:
    async with talk(PERSONA, ["From nine."]) as call:
        call.voice.slow, call.voice.works = 3.0, False
        await ask(call)
        await asyncio.sleep(8)  # of virtual time: it has failed by then
        call.voice.slow, call.voice.works = 0.0, True
        await call.until_said("From nine.")
        assert len(heard_at(call.ear, MOMENT)) == 1
        assert call.history() == ["Good day.", "From nine. "]


@on_virtual_time
async def test_a_caller_is_handed_over_where_the_persona_says_so() -> None:
    telephone = FakeTelephone()
    async with talk(with_plan(transfer_to="+15550100"), [GONE], telephone=telephone) as call:
        await ask(call)
        assert await call.ended() == "transferred"
        assert telephone.transferred == ["+15550100"]
        assert heard_at(call.ear, GOODBYE) == []


@pytest.mark.parametrize("line", [[], [FakeTelephone(fails="busy")]])
def test_a_caller_who_cannot_be_handed_over_hears_a_goodbye(line: Sequence[FakeTelephone]) -> None:
    @on_virtual_time
    async def check() -> None:
        telephone = line[0] if line else None
        async with talk(with_plan(transfer_to="+15550100"), [GONE], telephone=telephone) as call:
            await ask(call)
            assert await call.ended() == "mind stayed away"
            await asyncio.sleep(5)  # of virtual time
            assert len(heard_at(call.ear, GOODBYE)) == 1

    check()
