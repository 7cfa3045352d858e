"""Phrases to a grammar."""

import pytest

from whisper_engine.rehearsal.grammar import make_grammar, spoken_words

KNOWN = frozenset(
    [
        "yes",
        "no",
        "okay",
        "what",
        "is",
        "the",
        "time",
        "at",
        "half",
        "past",
        "seven",
        "twenty",
        "five",
        "good",
        "please",
    ]
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What's the time?", "what's the time"),
        ("At 7:30, please!", "at seven thirty please"),
        ("room 205", "room two hundred five"),
        ("call 007", "call zero zero seven"),
        ("in 1998", "in one nine nine eight"),
        ("O\u2019Brien \u2014 caf\u00e9", "o'brien caf"),
        ("...", ""),
    ],
)
def test_text_becomes_what_is_said(text: str, words: str) -> None:
    assert " ".join(spoken_words(text)) == words


def test_a_phrase_with_an_unknown_word_is_left_out_and_counted() -> None:
    grammar = make_grammar(["What is the time", "what is the flurble", "at 25"], KNOWN)
    assert grammar.skipped == 1
    assert ("what", "is", "the", "time") in grammar.phrases
    assert "flurble" not in grammar.jsgf
    assert grammar.words <= KNOWN


def test_backchannels_and_openers_are_always_there() -> None:
    grammar = make_grammar([], KNOWN)
    assert {("yes",), ("no",), ("okay",), ("yes", "please")} <= grammar.phrases


@pytest.mark.parametrize(
    ("heard", "whole"),
    [
        ("what is the time", "what is the time"),
        ("yes what is the time", "yes what is the time"),
        ("what is the time at half past", "what is the time"),
        ("what is", ""),
        ("", ""),
    ],
)
def test_only_whole_phrases_count(heard: str, whole: str) -> None:
    grammar = make_grammar(["what is the time", "at half past seven"], KNOWN)
    assert " ".join(grammar.whole(heard.split())) == whole
