"""Which words lie where in the agent's sound: pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.barge_in.echo import OwnWords
from agent.barge_in.script import LETTERS_A_SECOND, Script


def sentences(script: Script) -> Script:
    script.add("We open at nine. ", 0.0)
    script.add("We close at six. ", 2.0)
    return script


@pytest.mark.parametrize(
    ("second", "heard"),
    [
        (0.0, ""),
        (1.0, "We open"),
        (1.9, "We open at nine"),
        (2.0, "We open at nine. "),
        (3.0, "We open at nine. We close"),
        (4.0, "We open at nine. We close at six. "),
    ],
)
def test_what_was_heard_goes_by_the_sound_of_its_sentence(second: float, heard: str) -> None:
    script = sentences(Script())
    script.end()
    assert script.until(second, made=4.0) == heard


def test_a_sentence_that_is_still_made_has_the_pace_of_those_before() -> None:
    script = sentences(Script())
    assert script.until(3.0, made=2.6) == "We open at nine. We close"
    assert script.pace(made=2.6) == pytest.approx(17 / 2)


def test_of_a_voice_that_tells_nothing_a_usual_pace_is_assumed() -> None:
    script = Script()
    script.add("We open ")
    script.add("at nine.")
    script.end()
    assert script.until(8 / LETTERS_A_SECOND, made=0.0) == "We open"
    assert script.pace(made=0.5) == LETTERS_A_SECOND


@given(st.lists(st.text(max_size=40), max_size=5), st.floats(0, 20), st.floats(0, 20))
def test_what_was_heard_is_a_beginning_and_grows(
    texts: list[str], earlier: float, later: float
) -> None:
    script = Script()
    for index, text in enumerate(texts):
        script.add(text, index * 2.0)
    earlier, later = sorted((earlier, later))
    assert script.text.startswith(script.until(later, made=10.0))
    assert script.until(later, made=10.0).startswith(script.until(earlier, made=10.0))


def test_own_words_are_found_by_their_place() -> None:
    own = OwnWords()
    own.say("one two three four", 10.0, 14.0)
    assert own.between(11.2, 12.1) == ("two", "three")
    own.cut(12.0)
    assert own.between(0.0, 20.0) == ("one", "two", "three")


def test_a_place_that_is_a_guess_has_some_slack() -> None:
    own = OwnWords()
    own.say("one two three four five six seven eight nine ten", 0.0)
    told = OwnWords()
    told.say("one two three four five six seven eight nine ten", 0.0, 50 / LETTERS_A_SECOND)
    assert set(told.between(2.0, 2.2)) < set(own.between(2.0, 2.2))


def test_what_was_said_long_ago_is_forgotten() -> None:
    own = OwnWords()
    own.say("one", 0.0, 1.0)
    own.say("two", 100.0, 101.0)
    assert own.between(0.0, 200.0) == ("two",)


def test_pieces_without_a_letter_have_no_pace() -> None:
    script = Script()
    script.add("", 0.0)
    script.add("We open.", 2.0)
    assert script.until(10.0, made=2.1) == "We open."
