"""Digits collected in whole sessions; masked ones are nowhere but where they are meant to be."""

import asyncio
import logging

import pytest
from livekit.agents import stt

from tests.agent.tools.scene import ToolScene, everything_kept, seen_by, use
from tests.fakes.models import Reply
from tests.fakes.virtual_time import on_virtual_time

PIN = {
    "type": "collect_digits",
    "name": "card_pin",
    "description": "The PIN of the caller's card.",
    "max_digits": 4,
    "min_digits": 4,
}
FINAL = stt.SpeechEventType.FINAL_TRANSCRIPT


def heard(text: str, kind: stt.SpeechEventType = FINAL) -> stt.SpeechEvent:
    return stt.SpeechEvent(kind, alternatives=[stt.SpeechData(language="en", text=text)])  # type: ignore[arg-type]  # a plain tag


async def asked_for(scene: ToolScene) -> None:
    scene.session.generate_reply(user_input="I want to pay.")
    await asyncio.sleep(2)  # until the question was heard


@on_virtual_time
async def test_pressed_digits_come_back_to_the_model() -> None:
    async with ToolScene([PIN], [use("card_pin", "Your PIN, please.")]) as scene:
        await asked_for(scene)
        scene.telephone.keys("4929")
        await asyncio.sleep(2)
        assert scene.results() == [{"status": "collected", "digits": "4929"}]
        assert scene.said()[-1] == "Done."


@on_virtual_time
async def test_the_keypad_collects_before_its_keys_do_anything_else() -> None:
    keys = {"type": "keys", "stop": "0"}
    async with ToolScene([PIN, keys], [use("card_pin", "Your PIN, please.")]) as scene:
        await asked_for(scene)
        scene.telephone.keys("0000")
        await asyncio.sleep(2)
        assert scene.results() == [{"status": "collected", "digits": "0000"}]


@on_virtual_time
async def test_nothing_pressed_is_told_after_a_while() -> None:
    async with ToolScene([PIN], [use("card_pin", "Your PIN, please.")]) as scene:
        await asked_for(scene)
        scene.telephone.keys("49")
        await asyncio.sleep(5)
        assert scene.results()[0]["error"] == "too_few"
        assert scene.said()[-1] == "Done."


@on_virtual_time
async def test_no_filler_is_said_while_the_caller_enters_digits() -> None:
    async with ToolScene([PIN], [use("card_pin", "Your PIN, please.")]) as scene:
        await asked_for(scene)
        await asyncio.sleep(20)
        assert scene.said() == ["Good day.", "Your PIN, please.", "Done."]


def test_masked_digits_are_in_no_log_no_history_and_no_model(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    @on_virtual_time
    async def call() -> None:
        masked = PIN | {"masked": True, "show_last": 1}
        uses = [use("card_pin", "Your PIN, please."), Reply("Thank you.")]
        async with ToolScene([masked], uses) as scene:
            await asked_for(scene)
            assert scene.talk.toolbox.secret
            scene.telephone.keys("49")
            assert scene.talk.toolbox.takes(heard("my two", stt.SpeechEventType.INTERIM_TRANSCRIPT))
            assert scene.talk.toolbox.takes(heard("two seven"))
            await asyncio.sleep(1)
            assert scene.talk.toolbox.takes(heard("two seven it was"))
            await asyncio.sleep(2)
            assert not scene.talk.toolbox.secret
            assert not scene.talk.toolbox.takes(heard("What is next?"))
            assert scene.results() == [{"status": "collected", "count": 4, "last_digits": "7"}]
            assert scene.said()[-1] == "Thank you."
            kept = everything_kept(scene.session) + seen_by(scene.mind)
        assert "4927" not in kept
        assert "two seven" not in kept

    call()
    logged = " ".join(str(vars(record)) for record in caplog.records)
    assert "4927" not in logged
    assert "two seven" not in logged


@on_virtual_time
async def test_other_words_than_digits_go_on_to_the_talk() -> None:
    async with ToolScene([PIN], [use("card_pin", "Your PIN, please.")]) as scene:
        await asked_for(scene)
        assert not scene.talk.toolbox.takes(heard("What do you need it for?"))
        assert not scene.talk.toolbox.takes(stt.SpeechEvent(stt.SpeechEventType.START_OF_SPEECH))
        assert scene.talk.toolbox.takes(heard("four nine two nine"))


@on_virtual_time
async def test_without_a_collection_all_words_go_on() -> None:
    async with ToolScene([PIN]) as scene:
        assert not scene.talk.toolbox.takes(heard("four nine two nine"))
