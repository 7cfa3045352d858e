"""What every tool is held to, in whole sessions, by functions that misbehave."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from agent.tools.declared import BadToolError, check
from agent.tools.functions import arguments_of, load
from agent.tools.guard import Arguments, ToolFailure, answer, checked, in_thread, plain_schema
from tests.agent.tools import shop
from tests.agent.tools.scene import ToolScene, everything_kept, use
from tests.fakes.caller import Caller
from tests.fakes.models import Reply
from tests.fakes.virtual_time import on_virtual_time


def function(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "python", "function": f"tests.agent.tools.shop:{name}", **more}


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("price", {"item": "box"}, {"item": "box", "size": "small", "dollars": 45}),
        ("count", {"on": "2026-11-23", "boxes": 2}, "2 on 2026-11-23"),
        ("nothing", {}, {"status": "done"}),
    ],
)
def test_a_function_answers(name: str, arguments: dict[str, object], result: object) -> None:
    @on_virtual_time
    async def call() -> None:
        async with ToolScene([function(name)], [use(name, **arguments)]) as scene:
            await scene.session.generate_reply(user_input="How much?")
            assert scene.results() == [result]
            assert scene.said()[-1] == "Done."

    call()


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("price", {}, "bad_arguments"),
        ("price", {"item": 5}, "bad_arguments"),
        ("price", {"item": "box", "size": "huge"}, "bad_arguments"),
        ("price", {"item": "box", "admin": True}, "bad_arguments"),
        ("count", {"on": "soon"}, "bad_arguments"),
        ("count", {"on": "2026-11-23", "boxes": "2"}, "bad_arguments"),
        ("hang", {}, "timeout"),
        ("fail", {}, "failed"),
        ("huge", {}, "too_long"),
    ],
)
def test_what_goes_wrong_is_a_short_typed_error(
    name: str, arguments: dict[str, object], error: str
) -> None:
    @on_virtual_time
    async def call() -> None:
        async with ToolScene([function(name)], [use(name, **arguments)]) as scene:
            await scene.session.generate_reply(user_input="How much?")
            (result,) = scene.results()
            assert result.keys() == {"error", "message"}
            assert result["error"] == error
            assert len(result["message"]) < 200
            assert scene.said()[-1] == "Done."

    call()


def test_what_a_function_fails_with_is_kept_from_model_and_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @on_virtual_time
    async def call() -> None:
        async with ToolScene([function("fail")], [use("fail")]) as scene:
            await scene.session.generate_reply(user_input="How much?")
            kept = everything_kept(scene.session)
        assert "swordfish" not in kept

    call()
    assert "swordfish" not in caplog.text
    (record,) = [record for record in caplog.records if record.getMessage() == "a tool failed"]
    assert vars(record)["kind"] == "RuntimeError"


@on_virtual_time
async def test_a_slow_tool_is_bridged_by_words() -> None:
    policies = {"failure_plan": {"filler_message": "Let me look.", "filler_seconds": 2.0}}
    async with ToolScene([function("slow")], [use("slow")], policies=policies) as scene:
        await scene.session.generate_reply(user_input="How much?")
        assert scene.said() == ["Good day.", "Let me look.", "Done."]
        assert scene.results() == ["At last."]


@on_virtual_time
async def test_a_caller_who_speaks_while_a_tool_works_is_answered_then_and_afterwards() -> None:
    caller = Caller()
    uses = [use("very_slow"), Reply("I am looking."), Reply("They are sold out.")]
    policies = {"failure_plan": {"filler_seconds": 30.0}}
    tools = [function("very_slow", timeout_seconds=20.0)]
    async with ToolScene(tools, uses, policies=policies, caller=caller) as scene:
        scene.session.generate_reply(user_input="How much?")
        await asyncio.sleep(1)
        await caller.speak(1.0, "Hello?")
        await asyncio.sleep(3)
        assert scene.said() == ["Good day.", "I am looking."]
        await asyncio.sleep(10)
        assert scene.said()[-1] == "They are sold out."
        assert "At last." in scene.results()[-1]


@on_virtual_time
async def test_a_tool_is_let_go_when_its_time_is_over() -> None:
    tools = [function("hang", timeout_seconds=20.0)]
    async with ToolScene(tools, [use("hang")]) as scene:
        started = asyncio.get_running_loop().time()
        await scene.session.generate_reply(user_input="How much?")
        assert asyncio.get_running_loop().time() - started == pytest.approx(20.0, abs=2.0)


async def test_a_thread_that_hangs_holds_up_nobody() -> None:
    ended = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await in_thread(ended.wait)
    assert await in_thread(lambda: 1 + 1) == 2
    ended.set()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("untyped", "item needs a type"),
        ("anything", "cannot be given by a model"),
        ("undescribed", "needs a docstring"),
        ("NOT_A_FUNCTION", "is no function"),
        ("missing", "has no missing"),
    ],
)
def test_a_function_that_cannot_be_a_tool_is_refused(name: str, problem: str) -> None:
    with pytest.raises(BadToolError, match=problem) as caught:
        check([function(name)], Path(), {})
    assert caught.value.place == (0, "function")


def test_a_module_that_cannot_be_imported_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be imported"):
        load("tests.agent.tools.no_shop:price")


def test_the_model_sees_a_functions_annotations() -> None:
    schema = plain_schema(arguments_of(shop.price))
    assert schema["properties"] == {
        "item": {"type": "string"},
        "size": {"default": "small", "enum": ["small", "large"], "type": "string"},
    }
    assert schema["required"] == ["item"]
    assert schema["additionalProperties"] is False


def test_an_answer_is_text_and_bounded() -> None:
    assert answer({"name": "Zoë"}) == '{"name": "Zoë"}'
    assert answer("as it is") == "as it is"
    assert answer(None) is None
    with pytest.raises(ToolFailure, match="longer than"):
        answer({"text": "x" * 40_000})


def test_a_refusal_of_arguments_repeats_none_of_them() -> None:
    with pytest.raises(ToolFailure) as caught:
        checked(Arguments, {"extra": "swordfish"})
    assert caught.value.message == "extra: Extra inputs are not permitted"
