"""Each kind of check holds for the call that it describes, and fails for another."""

from typing import Any

import pytest
from pydantic import ValidationError

from parley.rehearse.check import KINDS, Check, failure
from parley.rehearse.record import Heard, Record, Spell, Taken, ToolUse, in_order


def record() -> Record:
    """A question, an answer that is cut off, another question and its answer."""
    return Record(
        sound=[Spell(0.3, 1.5), Spell(4.8, 7.5), Spell(9.0, 10.0)],
        heard=[
            Heard(0.5, "Good"),
            Heard(0.8, "day."),
            Heard(4.9, "We open"),
            Heard(6.0, "at nine,"),
            Heard(9.2, "Water Street."),
        ],
        taken=[
            Taken(1, "when do you open", 3.0, 4.0, asks=True),
            Taken(2, "uh huh", 5.0, 5.5, asks=False),
            Taken(3, "where are you", 7.0, 8.5, asks=True),
        ],
        tools=[ToolUse("book", {"day": "monday", "time": "ten"})],
        prompts=["user: when do you open", "user: [interrupted] where are you"],
        history=["Good day.", "We open at nine,", "Water Street."],
        pressed="12#",
        transferred_to="+15550142",
        interruptions=1,
        outcome="machine",
        ended="agent hung up",
        seconds=12.0,
    )


HOLD_AND_FAIL: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"contains": ["nine", "open"]}, {"contains": ["nine", "ten"]}),
    ({"contains": ["nine"], "reply": 1}, {"contains": ["nine"], "reply": 3}),
    ({"contains": ["nine"], "reply": 2}, {"contains": ["street"], "reply": 2}),
    ({"not_contains": ["ten"]}, {"not_contains": ["nine"]}),
    ({"never_says": ["ten"]}, {"never_says": ["ten", "water street"]}),
    ({"heard_all_of": "we open at nine"}, {"heard_all_of": "we open at half past nine"}),
    ({"told_model": "[interrupted]"}, {"told_model": "[unspoken]"}),
    ({"never_told": "secret"}, {"never_told": "where are you"}),
    ({"forgotten": "when do you open"}, {"forgotten": "where are you"}),
    ({"forgotten": "when do you open"}, {"forgotten": "what was never said"}),
    ({"tool_called": "book"}, {"tool_called": "cancel"}),
    (
        {"tool_called": "book", "arguments": {"day": "monday"}},
        {"tool_called": "book", "arguments": {"day": "friday"}},
    ),
    ({"never_calls": "cancel"}, {"never_calls": "book"}),
    ({"pressed": "12#"}, {"pressed": "12"}),
    ({"transferred_to": "+15550142"}, {"transferred_to": "+19005550100"}),
    ({"within": 0.9, "reply": 1}, {"within": 0.7, "reply": 1}),
    ({"silent_within": 0.6, "reply": 3}, {"silent_within": 0.4, "reply": 3}),
    ({"never_silent": 2.1}, {"never_silent": 1.9}),
    ({"never_silent": 0.9, "reply": 1}, {"never_silent": 0.7, "reply": 1}),
    ({"interruptions": 1}, {"interruptions": 0}),
    ({"outcome": "machine"}, {"outcome": "answered"}),
    ({"ends_with": "agent hung up"}, {"ends_with": "caller hung up"}),
]


@pytest.mark.parametrize(("holds", "fails"), HOLD_AND_FAIL)
def test_a_check_tells_its_call_from_another(holds: dict[str, Any], fails: dict[str, Any]) -> None:
    assert failure(Check(**holds), record()) is None
    assert failure(Check(**fails), record())


def test_every_kind_of_check_was_seen_to_fail() -> None:
    seen = {Check(**fails).kind for _, fails in HOLD_AND_FAIL}
    assert seen | {"history_is_heard", "judge"} == set(KINDS)


@pytest.mark.parametrize(
    ("last", "holds"),
    [
        ("Water Street.", True),
        ("Water Street. Goodbye.", True),
        ("Water", True),
        ("Fire Street.", True),
        ("Water Street. Goodbye. Sir.", False),
        ("Fire Lane.", False),
        ("", False),
    ],
)
def test_a_history_may_be_a_word_an_interruption_off_and_no_more(last: str, *, holds: bool) -> None:
    call = record()
    call.history[-1] = last
    assert (failure(Check(history_is_heard=True), call) is None) == holds


@pytest.mark.parametrize("kind", ["contains", "within", "silent_within"])
def test_a_turn_that_was_not_taken_fails_whatever_asks_about_it(kind: str) -> None:
    value: object = ["nine"] if kind == "contains" else 1.0
    problem = failure(Check.model_validate({kind: value, "reply": 9}), record())
    assert problem == "turn 9 was not taken: the call was over"


def test_a_reply_that_never_came_fails_its_within() -> None:
    call = record()
    call.sound = call.sound[:2]
    assert failure(Check(within=5.0, reply=3), call) == "there was no reply"


@pytest.mark.parametrize(
    ("check", "complaint"),
    [
        ({}, "exactly one of"),
        ({"contains": ["a"], "pressed": "1"}, "exactly one of"),
        ({"contains": []}, "at least 1"),
        ({"contains": ["a"], "arguments": {}}, "those of tool_called"),
        ({"ends_with": "x", "reply": 1}, "leave reply out"),
        ({"within": 1.0}, "needs reply"),
        ({"says": "a"}, "Extra inputs"),
    ],
)
def test_a_check_that_asks_nothing_clear_is_refused(check: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Check.model_validate(check)


def test_words_lost_or_put_between_are_not_all_of_it() -> None:
    assert in_order("one two three", "Zero. One, two: three!")
    assert not in_order("one two three", "one three")
    assert not in_order("one two three", "one two two three")


def test_a_transcript_gives_each_side_its_words_in_order() -> None:
    assert record().transcript() == [
        "agent: Good day.",
        "caller: when do you open",
        "agent: We open",
        "caller: uh huh",
        "agent: at nine,",
        "caller: where are you",
        "agent: Water Street.",
    ]
