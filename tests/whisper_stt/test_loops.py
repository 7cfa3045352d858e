"""Loops of any period are found, and only loops."""

from hypothesis import given
from hypothesis import strategies as st

from whisper_engine.whisper.loops import Loop, Repeats, find_loop, split, without_loops

WORDS = ["yes", "well", "I", "said", "that", "blue", "house"]
REPEATS = Repeats()


def test_pieces_are_words_or_the_characters_of_scripts_without_spaces() -> None:
    assert split(" It is 今天, yes") == (" It", " is", " 今", "天", ",", " yes")


@given(st.text())
def test_pieces_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text.rstrip()


@given(
    st.lists(st.sampled_from(WORDS), unique=True, min_size=1),
    st.integers(4, 9),
    st.sampled_from([[], ["first"], ["first", "second"]]),
    st.integers(0, 6),
)
def test_a_loop_of_any_period_is_found_with_what_it_cut_off(
    phrase: list[str], copies: int, before: list[str], partial: int
) -> None:
    cut_off = phrase[: partial % len(phrase)]
    pieces = [*before, *phrase * copies, *cut_off]
    assert find_loop(pieces, "it", REPEATS) == Loop(len(before), len(phrase), copies)
    kept = without_loops(pieces, "it", REPEATS)
    assert [pieces[index] for index in kept] == [*before, *phrase]


@given(st.lists(st.sampled_from(WORDS), unique=True), st.integers(1, 2))
def test_a_phrase_said_twice_is_no_loop(phrase: list[str], copies: int) -> None:
    assert find_loop(phrase * copies, "it", REPEATS) is None


def test_loops_within_loops_are_cut_too() -> None:
    pieces = ["go", "on", "on", "on", "on"] * 3
    assert [pieces[index] for index in without_loops(pieces, "it", REPEATS)] == ["go", "on"]


@given(st.lists(st.sampled_from(["a", "b", "na", "5"]), max_size=120))
def test_what_is_left_has_no_loop_and_its_order(pieces: list[str]) -> None:
    kept = without_loops(pieces, "it", REPEATS)
    assert list(kept) == sorted(set(kept))
    assert find_loop([pieces[index] for index in kept], "it", REPEATS) is None


def test_digits_and_letters_loop_only_beyond_what_can_be_said() -> None:
    digits = ["5", "5", "5", "5", "5", "5"]
    assert find_loop(digits, "en", Repeats(spelled=6)) is None
    assert find_loop(digits, "en", Repeats(spelled=5)) == Loop(0, 1, 6)
    assert find_loop(["and", "and", "and", "and"], "en", Repeats(spelled=9)) == Loop(0, 1, 4)
