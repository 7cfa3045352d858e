"""Calls that the agent places: whole sessions on virtual time, with people, machines and robots."""

import asyncio

import numpy as np
import pytest

from agent.persona import Persona
from agent.persona.policies import Outbound
from tests.agent.outbound.sounds import Sound, frames, tone
from tests.fakes.models import Reply
from tests.fakes.talk import Talk, heard, loud, talk
from tests.fakes.virtual_time import on_virtual_time

GREETING = "Good day, this is Harbor Dental."
MESSAGE = "This is Harbor Dental. Please call us back."
PERSONA = Persona(
    name="clerk",
    instructions="Be brief.",
    greeting=GREETING,
    outbound=Outbound(voicemail_message=MESSAGE),
)
VOICEMAIL = "You have reached Anna Smith. Please leave a message after the tone."
BEEP = tone(1000, seconds=0.5)


def verdict(label: str) -> Reply:
    return Reply(tool="save_prediction", arguments=f'{{"label": "{label}"}}')


async def sounds(call: Talk, sound: Sound = BEEP) -> None:
    """The callee's end gives this sound, in its own time."""
    for frame in frames(sound):
        call.conversation.hear(frame)
        await asyncio.sleep(frame.duration)


def persona(**plan: object) -> Persona:
    outbound = Outbound.model_validate({"voicemail_message": MESSAGE, **plan})
    return PERSONA.model_copy(update={"outbound": outbound})


def outcome(call: Talk) -> object:
    return call.conversation.call.summary(call.now)["outcome"]


def first_sound(call: Talk) -> float:
    """Seconds, on the loop's clock."""
    at = np.flatnonzero(loud(call.ear.recording()))[0]
    return call.ear.opened + float(at) / 24_000


@on_virtual_time
async def test_a_person_speaks_first_and_is_greeted() -> None:
    async with talk(PERSONA, [verdict("human"), "At nine."], placed=True) as call:
        await asyncio.sleep(1.0)
        await call.caller.speak(0.8, "Anna Smith, hello?")
        ended = call.now - 0.25
        await call.until_said(GREETING)
        assert first_sound(call) - ended < 1.5
        await call.caller.speak(1.0, "When is my appointment?")
        await call.until_said("At nine.")
        assert call.history("user") == ["Anna Smith, hello?", "When is my appointment?"]
        assert [heard(said) for said in call.history()] == [GREETING, "At nine."]
        assert [m.text_content for m in call.mind.seen[-1] if m.role == "user"] == (
            call.history("user")
        )
        assert outcome(call) == "answered"


@on_virtual_time
async def test_a_callee_who_says_nothing_is_greeted_after_a_while() -> None:
    async with talk(PERSONA, ["Of course."], placed=True) as call:
        began = call.now
        await call.until_said(GREETING)
        assert first_sound(call) - began == pytest.approx(3.0 + 0.5, abs=0.6)
        assert call.mind.seen == []
        assert outcome(call) == "answered"
        assert await call.ended() == "silence"


@on_virtual_time
async def test_a_person_is_not_left_waiting_by_a_mind_that_is_away() -> None:
    async with talk(PERSONA, [Reply(fails=True)], placed=True) as call:
        await call.caller.speak(0.8, "Hello?")
        await call.until_said(GREETING)
        assert call.history() == [GREETING]


@on_virtual_time
async def test_a_mind_that_cannot_tell_leaves_it_at_a_person() -> None:
    async with talk(PERSONA, ["I do not know.", "At nine."], placed=True) as call:
        await call.caller.speak(0.8, "Hello?")
        await call.until_said(GREETING)
        assert outcome(call) == "answered"


@on_virtual_time
async def test_a_machine_gets_the_message_after_its_beep_and_once() -> None:
    async with talk(PERSONA, [verdict("machine-vm")], placed=True) as call:
        await call.caller.speak(5.0, VOICEMAIL)
        await asyncio.sleep(1.5)
        await sounds(call)
        beeped = call.now - 0.25
        assert await call.ended() == "voicemail left"
        assert call.history() == [MESSAGE]
        assert call.history("user") == [VOICEMAIL]
        assert 0.5 < first_sound(call) - beeped < 1.5
        assert outcome(call) == "machine"


@on_virtual_time
async def test_a_machine_without_a_beep_gets_the_message_after_a_silence() -> None:
    async with talk(PERSONA, [verdict("machine-vm")], placed=True) as call:
        await call.caller.speak(5.0, VOICEMAIL)
        ended = call.now
        assert await call.ended() == "voicemail left"
        assert call.history() == [MESSAGE]
        assert 4.0 < first_sound(call) - ended < 6.0


@on_virtual_time
async def test_a_beep_alone_tells_a_machine() -> None:
    async with talk(PERSONA, ["I do not know."], placed=True) as call:
        await call.caller.speak(5.0, "Mumble mumble.")
        await sounds(call)
        assert await call.ended() == "voicemail left"
        assert call.history() == [MESSAGE]


@on_virtual_time
async def test_a_machine_that_is_never_ready_gets_the_message_all_the_same() -> None:
    async with talk(
        persona(beep_max_await_seconds=10.0), [verdict("machine-vm")], placed=True
    ) as call:
        began = call.now
        await call.caller.speak(5.0, VOICEMAIL)
        await asyncio.sleep(2.0)
        await call.caller.speak(20.0)
        assert await call.ended() == "voicemail left"
        assert first_sound(call) - began == pytest.approx(10.0 + 0.5, abs=1.5)
        assert call.history() == [MESSAGE]


@on_virtual_time
async def test_a_machine_is_left_without_a_word_where_there_is_no_message() -> None:
    async with talk(persona(voicemail_message=None), [verdict("machine-vm")], placed=True) as call:
        await call.caller.speak(5.0, VOICEMAIL)
        assert await call.ended() == "machine answered"
        assert call.voice.spoken == []
        assert outcome(call) == "machine"


@on_virtual_time
async def test_a_full_mailbox_is_left_without_a_word() -> None:
    async with talk(PERSONA, [verdict("machine-unavailable")], placed=True) as call:
        await call.caller.speak(5.0, "The mailbox is full. Goodbye.")
        assert await call.ended() == "machine answered"
        assert call.voice.spoken == []


@on_virtual_time
async def test_a_message_that_the_voice_cannot_say_is_not_called_left() -> None:
    async with talk(PERSONA, [verdict("machine-vm")], placed=True) as call:
        call.voice.works = False
        await call.caller.speak(5.0, VOICEMAIL)
        await sounds(call)
        assert await call.ended() == "voicemail failed"


@on_virtual_time
async def test_a_robot_is_told_who_calls_and_the_person_it_finds_is_greeted() -> None:
    async with talk(
        persona(screening_message="Harbor Dental, about an appointment."),
        [verdict("machine-ivr"), verdict("human"), "At nine."],
        placed=True,
    ) as call:
        await call.caller.speak(3.0, "Please state your name and why you are calling.")
        await call.until_said("Harbor Dental, about an appointment.")
        assert outcome(call) == "machine"
        await asyncio.sleep(8.0)
        await call.caller.speak(0.8, "Hello, this is Anna.")
        await call.until_said(GREETING)
        assert call.history() == ["Harbor Dental, about an appointment.", GREETING]
        assert outcome(call) == "answered"


@on_virtual_time
async def test_a_robot_that_beeps_for_the_name_is_told_it_all_the_same() -> None:
    async with talk(PERSONA, [verdict("machine-ivr")], placed=True) as call:
        await call.caller.speak(3.0, "Please say your name after the tone.")
        await sounds(call)
        await call.until_said(GREETING)
        assert not call.conversation.over.done()


@on_virtual_time
async def test_who_speaks_without_an_end_is_left() -> None:
    async with talk(PERSONA, ["I do not know."], placed=True) as call:
        await call.caller.speak(90.0)
        assert await call.ended() == "machine answered"
        assert call.voice.spoken == []


@on_virtual_time
async def test_robots_that_go_on_asking_are_left() -> None:
    async with talk(PERSONA, [verdict("machine-ivr")], placed=True) as call:
        for number in range(3):
            await call.caller.speak(3.0, "Please press one to continue.")
            await call.until_said(GREETING, again=number > 0)
        assert await call.ended() == "machine answered"
        assert outcome(call) == "machine"


@on_virtual_time
async def test_a_machine_that_was_taken_for_a_person_is_known_by_its_beep() -> None:
    async with talk(PERSONA, [verdict("human"), "At nine."], placed=True) as call:
        await call.caller.speak(0.8, "This is Anna Smith.")
        await call.speaking()
        await call.caller.speak(4.0, "I cannot come to the telephone.")
        await sounds(call)
        assert await call.ended() == "voicemail left"
        assert call.history()[-1] == MESSAGE
        assert call.history().count(MESSAGE) == 1
        assert outcome(call) == "machine"


@on_virtual_time
async def test_a_beep_beside_a_person_changes_nothing() -> None:
    async with talk(PERSONA, [verdict("human"), "At nine."], placed=True) as call:
        await call.caller.speak(0.8, "Hello?")
        await call.until_said(GREETING)
        for _ in range(2):
            await call.caller.speak(1.0, "When is my appointment?")
            await call.until_said("At nine.", again=True)
        await sounds(call)
        await asyncio.sleep(2.0)
        assert not call.conversation.over.done()
        assert MESSAGE not in call.history()


@on_virtual_time
async def test_without_detection_whoever_speaks_is_greeted_at_the_end_of_their_turn() -> None:
    async with talk(persona(voicemail_detection=False), ["At nine."], placed=True) as call:
        await call.caller.speak(0.8, "Hello?")
        await call.until_said(GREETING)
        await sounds(call)
        assert call.mind.seen == []
        assert not call.conversation.over.done()


@on_virtual_time
async def test_an_assistant_that_speaks_first_waits_for_the_line_alone() -> None:
    plan = persona(first_message_mode="assistant-speaks-first")
    async with talk(plan, ["At nine."], placed=True) as call:
        began = call.now
        await call.until_said(GREETING)
        assert 0.3 <= first_sound(call) - began < 1.0


@on_virtual_time
async def test_speech_without_words_is_no_reason_to_apologise_to_a_machine() -> None:
    async with talk(PERSONA, [verdict("machine-vm")], placed=True) as call:
        await call.caller.speak(4.0, VOICEMAIL)
        await call.caller.speak(2.0)
        await sounds(call)
        assert await call.ended() == "voicemail left"
        assert call.history() == [MESSAGE]


@on_virtual_time
async def test_a_callee_who_leaves_ends_the_opening() -> None:
    async with talk(PERSONA, ["At nine."], placed=True) as call:
        await asyncio.sleep(1.0)
        call.conversation.end("caller hung up")
        assert await call.ended() == "caller hung up"
        assert call.voice.spoken == []
        assert outcome(call) == "answered"
