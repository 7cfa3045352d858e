"""What becomes of verdicts, and what holds of all of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.whisper_stt.decodes import decode, speech, spoken
from whisper_engine.model import Heard, Span
from whisper_engine.whisper.evidence import Limits
from whisper_engine.whisper.guards import (
    Empty,
    Keep,
    Reason,
    Retry,
    better,
    judge,
    judge_interim,
    to_heard,
)
from whisper_engine.whisper.task import Decoded, DecodedWord

QUESTION = "What are your opening hours on Saturday?"
CALIBRATED = Limits(no_speech=0.6)


def test_the_better_of_two_is_the_undoubted_then_the_whole_then_the_unlooped_then_the_likelier() -> (
    None
):
    two = speech(2.0)
    whole = spoken(QUESTION, 2.0, logprob=-0.6)
    headed = spoken("What are", 0.6, logprob=-0.1)
    looped = decode("are are are are", logprob=-0.05)
    doubtful, worse = decode(QUESTION, logprob=-1.1), decode("What hours", logprob=-1.2)
    silent = decode("", logprob=-0.01)
    order = [whole, headed, silent, doubtful, worse, looped]
    for at, good in enumerate(order):
        for bad in order[at + 1 :]:
            assert better(good, bad, two) is better(bad, good, two) is good
    assert better(looped, worse) is worse


def test_interims_are_judged_by_loops_and_likelihood() -> None:
    words = spoken("what are your", 1.0)
    assert judge_interim(words, speech(1.0)) == Keep("what are your", words.words)
    assert judge_interim(decode("hm", logprob=-1.1), speech(1.0)) == Empty(Reason.LOGPROB)
    assert judge_interim(decode("..."), speech(1.0)) == Empty(Reason.NOTHING_SAID)
    looped = judge_interim(decode("what what what what"), speech(1.0))
    assert looped == Keep("what", (), Reason.LOOP)


def test_an_interims_last_word_is_held_back_when_it_is_unlikely() -> None:
    decoded = spoken("what are you", 1.0)
    *before, end = decoded.words
    unsure = replace(decoded, words=(*before, replace(end, probability=0.2)))
    assert judge_interim(unsure, speech(1.0)) == Keep("what are", tuple(before))
    wordless = replace(unsure, words=())
    assert judge_interim(wordless, speech(1.0)) == Keep("what are you", ())
    alone = spoken("what", 1.0)
    alone = replace(alone, words=(replace(alone.words[0], probability=0.2),))
    assert judge_interim(alone, speech(1.0)) == Keep("what", alone.words)


def test_what_is_heard_has_stripped_words_and_their_mean_confidence() -> None:
    words = (DecodedWord(" Good", 0.4, 0.6, 0.5), DecodedWord(" day.", 0.6, 0.9, 1.0))
    decoded = decode("Good day.", words=words)
    heard = to_heard(decoded, Keep(decoded.text, decoded.words), language="en")
    assert heard.text == "Good day."
    assert [word.text for word in heard.words] == ["Good", "day."]
    assert (heard.words[1].start, heard.confidence, heard.language) == (0.6, 0.75, "en")


def test_without_words_confidence_is_of_the_tokens() -> None:
    decoded = decode("Good day.", logprob=-0.5)
    assert to_heard(decoded, Keep(decoded.text, ())).confidence == pytest.approx(0.6065, abs=1e-3)


def test_what_is_not_kept_is_not_heard() -> None:
    decoded = decode("Good day.")
    assert to_heard(decoded, Empty(Reason.RATE), language="en") == Heard()
    assert to_heard(decoded, Retry(Reason.RATE)) == Heard()


floats = st.floats(allow_nan=True, allow_infinity=True)
words = st.lists(st.builds(DecodedWord, st.text(max_size=8), floats, floats, floats), max_size=12)
phrases = st.lists(
    st.sampled_from(["five", "5", "a", "you", "bye", "我", "Ünü", "so,"]), max_size=24
)
decodes = st.builds(
    Decoded,
    text=st.text(max_size=60) | phrases.map(" ".join),
    tokens=st.lists(st.integers(0, 50_000), max_size=60).map(tuple),
    logprob=floats,
    no_speech=floats,
    language=st.sampled_from(["en", "de", "zh", "hi", "xx"]),
    language_probability=floats,
    capped=st.booleans(),
    words=words.map(tuple),
)
voices = st.lists(st.builds(Span, st.integers(0, 90_000), st.integers(0, 90_000)), max_size=4)


def with_own_words(decoded: Decoded) -> Decoded:
    """Words that do spell the text."""
    pieces = decoded.text.split()
    made = (DecodedWord(" " + piece, 0.4, 1.0, 0.9) for piece in pieces)
    return replace(decoded, text=" ".join(pieces), words=tuple(made))


@given(decodes | decodes.map(with_own_words), voices, st.booleans())
def test_judges_never_fail_and_never_invent(
    decoded: Decoded, speech: list[Span], last_try: bool
) -> None:
    for verdict in (
        judge(decoded, speech, last_try=last_try, limits=CALIBRATED),
        judge_interim(decoded, speech),
    ):
        heard = to_heard(decoded, verdict)
        rest = iter(decoded.text)
        assert all(sign in rest for sign in heard.text)
        assert {word.text for word in heard.words} <= {word.text.strip() for word in decoded.words}
        assert 0 <= heard.confidence <= 1
        assert not (last_try and isinstance(verdict, Retry))
    assert better(decoded, decode("yes"), speech) in (decoded, decode("yes"))


@given(st.sampled_from(["", " ", "...", "♪"]), voices, st.booleans())
def test_from_nothing_comes_nothing(text: str, speech: list[Span], last_try: bool) -> None:
    assert to_heard(decode(text), judge(decode(text), speech, last_try=last_try)) == Heard()


DIGITS = ["0", "7", "five", "nine", "oh", "zero", "twenty", "a", "B"]


@given(st.lists(st.sampled_from(DIGITS), min_size=1, max_size=30))
def test_digits_survive(digits: list[str]) -> None:
    number = " ".join([*digits, "5"])
    seconds = len(digits) / 4 + 0.5
    decoded = spoken(number, seconds)
    verdict = judge(decoded, speech(seconds), last_try=False)
    assert verdict == Keep(number, decoded.words)
