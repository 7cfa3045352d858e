"""Digits pressed and spoken, with times passed in."""

from typing import Any

import pytest

from agent.tools.digits import Collection, keys_in
from agent.tools.kinds import CollectDigits


def collection(**rules: Any) -> Collection:
    declared = {"type": "collect_digits", "description": "A PIN.", **rules}
    return Collection(CollectDigits.model_validate(declared))


def press(into: Collection, keys: str, now: float) -> None:
    for key in keys:
        into.press(key, now)


def test_the_terminator_ends_an_input() -> None:
    pin = collection()
    pin.opened(0.0)
    press(pin, "123#4", 1.0)
    assert (pin.state, pin.digits) == ("complete", "123")
    assert pin.result() == {"status": "collected", "digits": "123"}


def test_the_last_digit_ends_an_input() -> None:
    pin = collection(max_digits=4)
    pin.opened(0.0)
    press(pin, "12345", 1.0)
    assert (pin.state, pin.digits) == ("complete", "1234")


def test_a_pause_ends_an_input() -> None:
    pin = collection(first_digit_seconds=10, between_digits_seconds=4)
    pin.opened(0.0)
    assert pin.wait(3.0) == 7.0
    press(pin, "12", 9.0)
    assert pin.wait(12.5) == 0.5
    assert pin.wait(13.0) is None
    assert (pin.state, pin.digits) == ("complete", "12")


def test_no_digit_in_time_is_no_input() -> None:
    pin = collection(first_digit_seconds=10)
    pin.opened(0.0)
    assert pin.wait(10.0) is None
    assert pin.state == "no_input"


@pytest.mark.parametrize("keys", ["12#", "1"])
def test_too_few_digits_are_not_enough(keys: str) -> None:
    pin = collection(min_digits=3)
    pin.opened(0.0)
    press(pin, keys, 0.0)
    pin.wait(60.0)
    assert pin.state == "too_few"


def test_digits_before_the_question_was_heard_count_and_run_no_time() -> None:
    pin = collection(between_digits_seconds=4)
    press(pin, "12", 0.0)
    assert pin.wait(100.0) is None
    assert pin.state == "open"
    pin.opened(100.0)
    assert pin.wait(100.0) == 4.0


def test_another_terminator_or_none() -> None:
    star = collection(terminator="*")
    press(star, "12#3*", 0.0)
    assert (star.state, star.digits) == ("complete", "123")
    none = collection(terminator=None)
    press(none, "12#", 0.0)
    assert (none.state, none.digits) == ("open", "12")


def test_masked_digits_are_counted_and_shown_as_declared() -> None:
    card = collection(masked=True, min_digits=4)
    press(card, "4929#", 0.0)
    assert card.result() == {"status": "collected", "count": 4}
    card = collection(masked=True, min_digits=4, show_last=2)
    press(card, "4929#", 0.0)
    assert card.result() == {"status": "collected", "count": 4, "last_digits": "29"}


def test_spoken_digits_are_taken_and_other_words_are_not() -> None:
    pin = collection(max_digits=6)
    assert pin.speak("It's one two, double three.", "en", 0.0)
    assert not pin.speak("What do you need it for?", "en", 1.0)
    assert not pin.speak("One moment, please.", "en", 2.0)
    assert pin.digits == "1233"
    assert pin.speak("45", "en", 3.0)
    assert (pin.state, pin.digits) == ("complete", "123345")


def test_words_with_a_digit_are_kept_from_others_where_digits_are_masked() -> None:
    card = collection(masked=True)
    assert card.speak("One moment, let me look for it.", "en", 0.0)
    assert card.digits == ""
    assert not card.speak("I do not have it here.", "en", 0.0)


def test_each_way_alone() -> None:
    keypad = collection(by="keypad")
    assert not keypad.speak("one two", "en", 0.0)
    assert keypad.digits == ""
    voice = collection(by="voice")
    press(voice, "12", 0.0)
    assert voice.digits == ""


def test_numbers_are_taken_as_they_are_keyed_in() -> None:
    pin = collection(max_digits=6)
    assert pin.speak("It is twenty-three.", "en", 0.0)
    assert pin.speak("And then one hundred and five.", "en", 1.0)
    assert pin.digits == "23105"


def test_keys_to_press_are_told_from_blanks() -> None:
    assert keys_in("1w 2#") == ["1", "w", "2", "#"]
