"""What CSM is given to read: words and pauses, whatever was written."""

import re
import sys
import unicodedata
from pathlib import Path
from types import FrameType

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from csm_engine.text import DateOrder, Options, UnreadableError, normalise, readable

GOLDEN = Path(__file__).parents[1] / "data/text/spoken.yaml"
SPOKEN = [
    pytest.param(written, spoken, id=f"{kind}: {written!r}")
    for kind, rows in yaml.safe_load(GOLDEN.read_text()).items()
    for written, spoken in rows
]
DAY_FIRST = Options(date_order=DateOrder.DAY_FIRST)
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SEEDS = [
    *("$12.50", "€3", "2026-11-21", "11/21/2026", "10:30", "9am", "p.m.", "555-0100", "+1 (555)"),
    *("St.", "Dr.", "e.g.", "No.", "U.S.", "FAQs", "NASA", "II", ".NET", "a@example.com", "www."),
    *(
        "https://example.com/a-b",
        "**",
        "_",
        "`",
        "# ",
        "- ",
        "1. ",
        "[a](b)",
        "<b>",
        "|",
        "\n",
        "x",
    ),
    *(
        "(",
        ")",
        "...",
        "'",
        '"',
        "-",
        "\u2013",
        "—",
        "/",
        "&",
        "%",
        "°C",
        " km",
        "5",
        "0",
        ",",
        "K",
        "th",
    ),
    *("½", "²", "️", "🎉", "é", "\u0301", "日", "\u0000", " ", "Mon", "Fri", "May", "in 1998", "A"),
]
TEXT = st.text(max_size=60) | st.lists(st.sampled_from(SEEDS), max_size=12).map("".join)
PLAIN_WORDS = st.lists(
    st.sampled_from(["we're", "open", "today", "twenty-five", "café", "hello", "I"]), min_size=1
)


@pytest.mark.parametrize(("written", "spoken"), SPOKEN)
def test_what_is_written_is_read_as_it_is_said(written: str, spoken: str) -> None:
    assert normalise(written) == spoken
    assert normalise(spoken) == spoken


@given(TEXT)
@settings(max_examples=600, deadline=None)
def test_any_text_becomes_words_and_pauses_once_for_all(text: str) -> None:
    said = normalise(text)
    for character in said:
        assert character in " ,.!?'-" or unicodedata.category(character)[0] in "LM", said
    assert said == "" or said[-1] in ".!?"
    assert not re.search(r"\s{2}|\s[,.!?]|[,.!?]{2}", said)
    assert normalise(said) == said
    assert len(said) <= 24 * len(text)


@given(PLAIN_WORDS, st.sampled_from(".!?"))
def test_words_that_need_nothing_stay_as_they_are(words: list[str], mark: str) -> None:
    text = " ".join(words) + mark
    assert normalise(text) == text


@given(
    st.from_regex(r"(\+[1-9]{1,2} )?\(?[2-9]\d\d\)?[ -]\d{3}-\d{4}", fullmatch=True)
    | st.from_regex(r"[2-9]\d\d-\d{4}|\+[1-9]\d{9,11}|0\d{2} \d{4} \d{4}", fullmatch=True)
)
def test_each_digit_of_a_telephone_number_is_said_once_and_in_order(number: str) -> None:
    if number.count("(") != number.count(")") or not number.isascii():
        return
    said = re.findall(r"\w+", normalise(f"Please call {number} today."))
    expected = [DIGITS[int(digit)] for digit in number if digit.isdigit()]
    assert [word for word in said if word in DIGITS] == expected


@given(st.integers(0, 10**15 - 1))
def test_a_number_with_commas_is_said_as_its_value(number: int) -> None:
    said = normalise(f"{number:,} calls")
    if number >= 1000:
        assert _value(said.removesuffix(" calls.")) == number


def _value(words: str) -> int:
    """The number that English words name, written apart from the code under test."""
    names = (
        "zero one two three four five six seven eight nine ten eleven twelve "
        "thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
    )
    small = {name: value for value, name in enumerate(names.split())}
    tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    small |= {name: 10 * value for value, name in enumerate(tens, start=2)}
    scales = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
    total = group = 0
    for word in re.split(r"[ -]", words):
        if word in scales:
            total, group = total + group * scales[word], 0
        elif word == "hundred":
            group *= 100
        else:
            group += small[word]
    return total + group


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("4/5/2026", "the fourth of May, twenty twenty-six."),
        ("4/13/2026", "the thirteenth of April, twenty twenty-six."),
        ("2026-11-21", "the twenty-first of November, twenty twenty-six."),
        ("on 5/10", "on the fifth of October."),
    ],
)
def test_a_deployment_says_which_part_of_a_date_comes_first(written: str, spoken: str) -> None:
    assert normalise(written, DAY_FIRST) == spoken


def test_a_deployment_names_how_its_words_are_read() -> None:
    options = Options(words={"SQL": "sequel", "HTTP": "HTTP", "Nguyen": "Win", "OK": "OK"})
    said = normalise("OK, Nguyen: SQL over HTTP, not MySQL.", options)
    assert said == "OK, Win, sequel over HTTP, not MySQL."
    assert normalise(said, options) == said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"": "x"}, "an empty key"),
        ({"cat": "a cat"}, "holds 'cat'"),
        ({"a": "b", "b": "c"}, "holds 'b'"),
    ],
)
def test_a_reading_that_would_be_read_again_is_refused(words: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Options(words=words)


def test_text_of_another_script_is_refused_with_its_letters() -> None:
    assert readable("Zoë's café, 5 €") == "Zoë's café, five euros."
    with pytest.raises(UnreadableError, match="English only, not Ω λ"):
        readable("λΩ")


@pytest.mark.parametrize("text", ["", " \n", "🎉🎉", "\u0000\u0007", "...", "()"])
def test_text_with_nothing_to_say_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="no word to say"):
        readable(text)


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1-",
        "1,",
        "1.",
        "a.",
        "a@",
        "[a](",
        "(",
        "*",
        "_",
        "<a ",
        "A",
        "' ",
        "$1",
        "1 ",
        "/a",
        "|-",
        "#\n",
    ],
)
def test_a_text_ten_times_as_long_costs_ten_times_as_many_steps(piece: str) -> None:
    short, long = piece * (1000 // len(piece)), piece * (10_000 // len(piece))
    assert _calls(long) <= 12 * _calls(short)
    assert len(normalise(long)) <= 24 * len(long)


def _calls(text: str) -> int:
    """Calls of Python functions and of C's that `normalise` makes."""
    count = 0

    def counted(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event.endswith("call")

    sys.setprofile(counted)
    try:
        normalise(text)
    finally:
        sys.setprofile(None)
    return count
