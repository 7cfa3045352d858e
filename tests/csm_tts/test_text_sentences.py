"""Sentences of a length that CSM speaks well, and how long they should sound."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csm_engine.text import expected_seconds, frame_cap, split

FRAME_SECONDS = 0.08
WORDS = st.lists(st.from_regex(r"[a-z]{1,12}[,.!?]?", fullmatch=True), min_size=1, max_size=120)


def bare(text: str) -> str:
    return "".join(filter(str.isalnum, text))


@given(WORDS, st.integers(14, 250))
def test_parts_are_no_longer_than_asked_and_lose_no_word(words: list[str], longest: int) -> None:
    text = " ".join(words)
    parts = split(text, longest)
    assert all(0 < len(part) <= longest for part in parts)
    assert [bare(word) for part in parts for word in part.split()] == list(map(bare, words))
    assert all(part[-1] in ",.!?" for part in parts[:-1])


@given(st.text(max_size=300), st.integers(2, 40))
def test_any_text_is_split(text: str, longest: int) -> None:
    parts = split(text, longest)
    assert all(0 < len(part) <= longest for part in parts)
    assert bare("".join(parts)) == bare(text)


def test_a_text_that_fits_stays_whole() -> None:
    assert split("One. Two, three.") == ["One. Two, three."]
    assert split("") == split("  ") == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "We are open, call us. Bye now, my friend.",
            ["We are open, call us.", "Bye now, my friend."],
        ),
        (
            "We are all open now, so you may call us.",
            ["We are all open now,", "so you may call us."],
        ),
        (
            "We are all open now so you may call us.",
            ["We are all open now,", "so you may call us."],
        ),
        ("a" * 60, ["a" * 24 + ",", "a" * 24 + ",", "a" * 12]),
    ],
)
def test_a_cut_is_made_where_a_speaker_breathes(text: str, parts: list[str]) -> None:
    assert split(text, 25) == parts


def test_no_room_for_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="give at least 2"):
        split("text", 1)


@pytest.mark.parametrize(
    ("text", "words"), [("", 0), ("Yes.", 1), ("twenty-five o'clock, isn't it?", 5), ("F A Q.", 3)]
)
def test_speech_lasts_as_long_as_its_words(text: str, words: int) -> None:
    assert expected_seconds(text) == pytest.approx(words / 2.5)
    assert frame_cap(text, FRAME_SECONDS) == math.ceil(round(12.5 * (2 * words / 2.5 + 1.5), 6))


def test_ten_words_are_capped_at_119_frames() -> None:
    assert frame_cap("one two three four five six seven eight nine ten", FRAME_SECONDS) == 119


@pytest.mark.parametrize("frame_seconds", [0.0, -1.0, math.nan])
def test_a_frame_that_lasts_no_time_is_refused(frame_seconds: float) -> None:
    with pytest.raises(ValueError, match=r"0\.08 for Mimi"):
        frame_cap("text", frame_seconds)
