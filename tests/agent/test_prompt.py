"""Judged by the scripted model's checker, which knows nothing of how prompts are made."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import llm
from pydantic import TypeAdapter

from agent.memory import START
from agent.persona.policies import Memory
from agent.prompt import CONNECTED, NO_RESULT, SILENT, UNANSWERED, Turn, strict_context, trim
from parley.scripted.strict import fault
from parley.scripted.wire import Message

STAND_INS = {CONNECTED, SILENT, UNANSWERED, NO_RESULT}
CALL_IDS = ["c1", "c2", "c3"]

texts = st.sampled_from(["", " ", "\n"]) | st.text("abc \n", max_size=12)
items = st.lists(
    st.builds(
        llm.ChatMessage,
        role=st.sampled_from(["system", "developer", "user", "assistant"]),
        content=st.lists(texts, max_size=2),
    )
    | st.builds(
        llm.FunctionCall,
        id=st.sampled_from(["item_1/a", "item_1/b", "item_2"]),
        call_id=st.sampled_from(CALL_IDS),
        name=st.just("look"),
        arguments=st.sampled_from(["", "{}", '{"a": 1}']),
        group_id=st.sampled_from([None, "g"]),
    )
    | st.builds(
        llm.FunctionCallOutput,
        call_id=st.sampled_from(CALL_IDS),
        name=st.just("look"),
        output=texts,
        is_error=st.booleans(),
    )
    | st.builds(llm.AgentHandoff, new_agent_id=st.just("other")),
    max_size=12,
)


def sent(context: llm.ChatContext) -> list[dict[str, Any]]:
    """What livekit-plugins-openai puts into the request."""
    messages, _ = context.to_provider_format("openai")
    return messages


def fault_of(messages: list[dict[str, Any]]) -> str | None:
    return fault(TypeAdapter(list[Message]).validate_python(messages))


def talk(*turns: tuple[llm.ChatRole, str]) -> llm.ChatContext:
    return llm.ChatContext([llm.ChatMessage(role=role, content=[text]) for role, text in turns])


def plain(context: llm.ChatContext) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in sent(strict_context(context))]


@given(items)
def test_whatever_the_history_the_strict_template_takes_it(history: list[llm.ChatItem]) -> None:
    assert fault_of(sent(strict_context(llm.ChatContext(history)))) is None


@given(items)
def test_no_word_is_lost_and_the_order_is_kept(history: list[llm.ChatItem]) -> None:
    def words(roles: set[str], messages: list[llm.ChatMessage]) -> list[str]:
        return [
            word
            for message in messages
            if message.role in roles and message.raw_text_content not in STAND_INS
            for word in (message.raw_text_content or "").split()
        ]

    context = llm.ChatContext(history)
    fitted = strict_context(context).messages()
    for roles in ({"system", "developer"}, {"user", "assistant"}):
        assert words(roles, fitted) == words(roles, context.messages())


@given(items)
def test_every_call_that_has_a_result_is_sent_with_it(history: list[llm.ChatItem]) -> None:
    called = {item.call_id for item in history if item.type == "function_call"}
    answered = {item.call_id for item in history if item.type == "function_call_output"}
    messages = sent(strict_context(llm.ChatContext(history)))
    sent_calls = [call["id"] for message in messages for call in message.get("tool_calls", [])]
    results = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert sorted(sent_calls) == sorted(results) == sorted(called & answered)


@given(items)
def test_a_fitted_history_stays_as_it_is(history: list[llm.ChatItem]) -> None:
    once = strict_context(llm.ChatContext(history))
    assert sent(strict_context(once)) == sent(once)


@given(items)
def test_the_callers_history_is_not_touched(history: list[llm.ChatItem]) -> None:
    before = [item.model_dump_json() for item in history]
    strict_context(llm.ChatContext(history))
    assert [item.model_dump_json() for item in history] == before


def test_a_greeting_gets_a_user_before_it() -> None:
    history = talk(("system", "Be kind."), ("assistant", "Hello."), ("user", "Hi."))
    assert plain(history) == [
        ("system", "Be kind."),
        ("user", CONNECTED),
        ("assistant", "Hello."),
        ("user", "Hi."),
    ]


def test_with_nothing_said_the_model_is_told_that_the_call_is_up() -> None:
    assert plain(talk(("system", "Be kind."))) == [("system", "Be kind."), ("user", CONNECTED)]


def test_neighbours_of_one_role_are_one_message_a_line_each() -> None:
    history = talk(("user", "One."), ("user", " "), ("user", "Two."))
    assert plain(history) == [("user", "One.\nTwo.")]


def test_instructions_in_mid_talk_join_the_system_message() -> None:
    history = talk(("system", "Be kind."), ("user", "Hi."), ("system", "Be brief."))
    assert plain(history) == [("system", "Be kind.\n\nBe brief."), ("user", "Hi.")]


def test_asked_to_speak_again_the_model_hears_that_nobody_spoke() -> None:
    history = talk(("user", "Hi."), ("assistant", "Hello."))
    assert plain(history)[-1] == ("user", SILENT)


def test_a_caller_who_speaks_on_before_a_result_is_answered_keeps_the_turns_in_order() -> None:
    history = llm.ChatContext(
        [
            llm.ChatMessage(role="user", content=["Look."]),
            llm.ChatMessage(id="item_1", role="assistant", content=["One moment."]),
            llm.FunctionCall(id="item_1/0", call_id="c1", name="look", arguments="{}"),
            llm.ChatMessage(role="user", content=["Well?"]),
            llm.FunctionCallOutput(call_id="c1", name="look", output="", is_error=False),
        ]
    )
    messages = sent(strict_context(history))
    assert [message["role"] for message in messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert messages[1]["content"] == "One moment."
    assert messages[1]["tool_calls"][0]["id"] == "c1"
    assert messages[2]["content"] == NO_RESULT
    assert messages[3]["content"] == UNANSWERED


@given(items, st.integers(2, 12), st.none() | st.integers(200, 210))
def test_a_trimmed_history_is_the_end_of_the_whole_and_the_template_takes_it(
    history: list[llm.ChatItem], messages: int, tokens: int | None
) -> None:
    budget = Memory(max_messages=messages, max_tokens=tokens)
    whole = sent(strict_context(llm.ChatContext(history)))
    trimmed = sent(strict_context(llm.ChatContext(history), budget))
    assert fault_of(trimmed) is None
    head = [message for message in whole if message["role"] == "system"]
    talk = trimmed[len(head) :]
    assert trimmed[: len(head)] == head
    assert talk == whole[-len(talk) :]
    later_turns = [message for message in talk[1:] if message["role"] == "user"]
    assert len(talk) <= messages or not later_turns


def test_the_oldest_turns_go_whole_with_what_was_looked_up_in_them() -> None:
    history = llm.ChatContext(
        [
            llm.ChatMessage(role="system", content=["Be kind."]),
            llm.ChatMessage(role="user", content=["Look."]),
            llm.FunctionCall(id="item_1/0", call_id="c1", name="look", arguments="{}"),
            llm.FunctionCallOutput(call_id="c1", name="look", output="A hat.", is_error=False),
            llm.ChatMessage(role="assistant", content=["I see a hat."]),
            llm.ChatMessage(role="user", content=["Whose?"]),
        ]
    )

    def roles(most: int) -> list[str]:
        return [each["role"] for each in sent(strict_context(history, Memory(max_messages=most)))]

    assert roles(5) == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert roles(4) == ["system", "user"]


def test_tokens_are_counted_by_letters_and_instructions_are_not() -> None:
    turns = [
        Turn("system", "s" * 10_000),
        Turn("user", "a" * 400),
        Turn("assistant", "b" * 400),
        Turn("user", "c" * 400),
    ]
    assert trim(turns, Memory(max_tokens=300)) == turns
    assert trim(turns, Memory(max_tokens=299)) == [turns[0], turns[3]]


def test_the_callers_last_words_stay_however_long_they_are() -> None:
    turns = [Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c" * 4000)]
    assert trim(turns, Memory(max_tokens=200)) == turns[2:]


def test_a_note_goes_before_the_callers_next_words_and_not_into_the_history() -> None:
    history = talk(("user", "Hi."), ("assistant", "We are"), ("user", "Well?"), ("user", "Hm?"))
    notes = {history.items[1].id: "[interrupted]"}
    told = sent(strict_context(history, notes=notes))
    assert [message["content"] for message in told] == [
        "Hi.",
        "We are",
        "[interrupted]\nWell?\nHm?",
    ]
    assert history.items[2].raw_text_content == "Well?"  # type: ignore[union-attr]


def test_a_note_of_the_greeting_goes_before_the_callers_first_words() -> None:
    history = talk(("system", "Be kind."), ("user", "Hi."))
    told = sent(strict_context(history, notes={START: "[interrupted]"}))
    assert told[-1]["content"] == "[interrupted]\nHi."


def test_what_was_said_while_a_tool_was_at_work_leaves_the_result_the_last_word() -> None:
    history = llm.ChatContext(
        [
            llm.ChatMessage(role="user", content=["Look."]),
            llm.ChatMessage(id="item_1", role="assistant", content=["Let me see."]),
            llm.FunctionCall(id="item_1/0", call_id="c1", name="look", arguments="{}"),
            llm.ChatMessage(role="assistant", content=["One moment, please."]),
            llm.FunctionCallOutput(call_id="c1", name="look", output="seen", is_error=False),
        ]
    )
    messages = sent(strict_context(history))
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
    assert messages[1]["content"] == "Let me see.\nOne moment, please."
