"""What Gemma's chat template refuses, the scripted model refuses."""

import pytest

from parley.scripted.strict import fault
from parley.scripted.wire import Message

ROLE_ORDER = "must alternate"


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([("assistant", "Hello."), ("user", "Hi.")], ROLE_ORDER),
        ([("system", "a"), ("assistant", "Hello."), ("user", "Hi.")], ROLE_ORDER),
        ([("user", "a"), ("user", "b")], ROLE_ORDER),
        ([("user", "a"), ("assistant", "b"), ("assistant", "c"), ("user", "d")], ROLE_ORDER),
        ([("user", "a"), ("system", "b")], "may only stand first"),
        ([("system", "a"), ("system", "b"), ("user", "c")], "may only stand first"),
        ([("developer", "a"), ("user", "b")], "no developer"),
        ([("user", " ")], "is empty"),
        ([("user", "a"), ("assistant", ""), ("user", "b")], "is empty"),
        ([("user", "a"), ("assistant", "b")], "last message"),
        ([("system", "a")], "nothing to answer"),
        ([], "nothing to answer"),
        ([("user", "a"), ("tool", "b")], "tool calls must be followed"),
    ],
)
def test_what_a_strict_template_refuses(messages: list[tuple[str, str]], why: str) -> None:
    found = fault([Message.model_validate({"role": r, "content": c}) for r, c in messages])
    assert found is not None
    assert why in found


CALL = {"id": "c1", "type": "function", "function": {"name": "end_call", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}


@pytest.mark.parametrize(
    ("after", "taken"),
    [
        ([{"role": "tool", "tool_call_id": "c1", "content": "done"}], True),
        ([], False),
        ([{"role": "tool", "tool_call_id": "c2", "content": "done"}], False),
        ([{"role": "user", "content": "well?"}], False),
        (
            [
                {"role": "tool", "tool_call_id": "c1", "content": "done"},
                {"role": "user", "content": "well?"},
            ],
            False,
        ),
    ],
)
def test_a_tool_call_must_be_followed_by_its_result(
    after: list[dict[str, str]], taken: bool
) -> None:
    history = [{"role": "user", "content": "goodbye"}, CALLING, *after]
    found = fault([Message.model_validate(message) for message in history])
    assert (found is None) == taken
