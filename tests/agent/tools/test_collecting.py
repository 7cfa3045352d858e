"""Digits collected in whole sessions; masked ones are nowhere but where they are meant to be."""

import asyncio
import logging

import pytest

from tests.agent.tools.scene import ToolScene, everything_kept, seen_by, use
from tests.fakes.caller import Caller
from tests.fakes.models import Reply
from tests.fakes.virtual_time import on_virtual_time

PIN = {
    "type": "collect_digits",
    "name": "card_pin",
    "description": "The PIN of the caller's card.",
    "max_digits": 4,
    "min_digits": 4,
}
SPOKEN = "one six two seven"
SECRET = "49381627"
"""So long that no time or id in a log has it by chance."""


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
        masked = PIN | {"masked": True, "show_last": 1, "min_digits": 8, "max_digits": 8}
        uses = [use("card_pin", "Your PIN, please."), Reply("Thank you.")]
        caller = Caller()
        async with ToolScene([masked], uses, caller=caller) as scene:
            await asked_for(scene)
            assert scene.talk.toolbox.secret
            scene.telephone.keys("4938")
            await caller.speak(1.0, SPOKEN, interims=[(0.5, "one six")])
            await caller.speak(0.5, "two seven, as I said")  # in the same breath
            await asyncio.sleep(3)
            assert not scene.talk.toolbox.secret
            await caller.speak(0.5, "What is next?")
            await asyncio.sleep(3)
            assert scene.results() == [{"status": "collected", "count": 8, "last_digits": "7"}]
            assert scene.turns() == ["I want to pay.", "What is next?"]
            assert scene.said() == ["Good day.", "Your PIN, please.", "Thank you.", "Done."]
            kept = everything_kept(scene.session) + seen_by(scene.mind)
        for secret in (SECRET, "two seven", "one six"):
            assert secret not in kept

    call()
    logged = " ".join(str(vars(record)) for record in caplog.records)
    for secret in (SECRET, "two seven", "one six"):
        assert secret not in logged


@on_virtual_time
async def test_spoken_digits_come_back_to_the_model_and_make_no_turn() -> None:
    caller = Caller()
    async with ToolScene([PIN], [use("card_pin", "Your PIN, please.")], caller=caller) as scene:
        await asked_for(scene)
        await caller.speak(1.0, "It is four nine, double two.", interims=[(0.6, "It is four")])
        await asyncio.sleep(8)
        assert scene.results() == [{"status": "collected", "digits": "4922"}]
        assert scene.turns() == ["I want to pay."]
        assert scene.said() == ["Good day.", "Your PIN, please.", "Done."]


@on_virtual_time
async def test_other_words_than_digits_are_a_turn() -> None:
    caller = Caller()
    async with ToolScene([PIN], [use("card_pin", "Your PIN, please.")], caller=caller) as scene:
        await asked_for(scene)
        await caller.speak(1.0, "What do you need it for?")
        await asyncio.sleep(12)
        assert scene.turns() == ["I want to pay.", "What do you need it for?"]
        assert scene.said()[-1] == "Done."


@on_virtual_time
async def test_a_caller_who_says_something_first_is_answered_then_and_afterwards() -> None:
    caller = Caller()
    uses = [use("card_pin", "Your PIN, please."), Reply("Of course."), Reply("Thank you.")]
    async with ToolScene([PIN], uses, caller=caller) as scene:
        await asked_for(scene)
        await caller.speak(1.0, "Let me look for it.")
        await asyncio.sleep(3)
        assert scene.said()[-1] == "Of course."
        scene.telephone.keys("4929")
        await asyncio.sleep(3)
        assert scene.results()[-1] == {"status": "collected", "digits": "4929"}
        assert scene.said()[-1] == "Thank you."


@on_virtual_time
async def test_without_a_collection_all_words_are_a_turn() -> None:
    caller = Caller()
    async with ToolScene([PIN], caller=caller) as scene:
        await caller.speak(1.0, "Four nine two nine.")
        await asyncio.sleep(3)
        assert scene.turns() == ["Four nine two nine."]
