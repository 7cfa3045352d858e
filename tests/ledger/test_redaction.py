"""Numbers and card data do not leave the ledger, however they are written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.redaction import CARD, NUMBER, is_card, masked, redacted, redacted_deep

GAPS = st.sampled_from(
    ["", " ", "-", ".", ", ", "  ", " - ", "\u00a0", "\u2009", "\u2013", "/", "…"]
)


def with_check_digit(digits: str) -> str:
    return next(f"{digits}{last}" for last in range(10) if is_card(f"{digits}{last}"))


def spaced(digits: str, gaps: list[str]) -> str:
    return "".join(digit + gaps[n % len(gaps)] for n, digit in enumerate(digits))


cards = st.text("0123456789", min_size=12, max_size=18).map(with_check_digit)
numbers = st.text("0123456789", min_size=7, max_size=15)
gaps = st.lists(GAPS, min_size=1, max_size=5)
words = st.text(st.characters(categories=("L", "Zs", "Po")), max_size=20)


@given(words, cards, gaps, words)
def test_no_card_survives_between_any_words(
    before: str, card: str, how: list[str], after: str
) -> None:
    out = redacted(f"{before} {spaced(card, how)} {after}")
    assert CARD in out
    assert not re.search(r"\d", out)


@given(words, numbers, gaps, words)
def test_no_telephone_number_survives(before: str, number: str, how: list[str], after: str) -> None:
    out = redacted(f"{before} +{spaced(number, how)} {after}")
    assert not re.search(r"\d", out)


@given(st.text(max_size=200))
def test_what_is_redacted_is_redacted_for_good(text: str) -> None:
    once = redacted(text)
    assert redacted(once) == once


@given(words)
def test_words_stay_as_they_are(text: str) -> None:
    assert redacted(text) == text


@given(cards)
def test_a_digit_that_is_mistyped_is_no_card(card: str) -> None:
    wrong = card[:-1] + str((int(card[-1]) + 1) % 10)
    assert not is_card(wrong)


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("Call me on +1 (555) 014-2424, please.", f"Call me on {NUMBER}, please."),
        ("It is 4111 1111 1111 1111, 12/27, 123.", f"It is {CARD}."),
        ("It is 4111-1111-1111-1113.", f"It is {NUMBER}."),
        ("sip_+15550142424", f"sip_{NUMBER}"),
        ("At 10:30 for 4 people, 120 euros.", "At 10:30 for 4 people, 120 euros."),
        ("٤١١١١١١١١١١١١١١١", CARD),
    ],
)
def test_what_people_say(text: str, out: str) -> None:
    assert redacted(text) == out


def test_what_json_holds_is_redacted_at_every_depth() -> None:
    value = {
        "phone": 15550142424,
        "names": ["Ann", {"card": "4111111111111111"}],
        "ok": True,
        "n": 3,
    }
    assert redacted_deep(value) == {
        "phone": NUMBER,
        "names": ["Ann", {"card": CARD}],
        "ok": True,
        "n": 3,
    }


def test_two_digits_tell_one_caller_from_another() -> None:
    assert masked("+15550142424") == "…24"
    assert masked(None) is None
