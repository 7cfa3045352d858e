"""Each guard by a decode that trips it and a near one that does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.whisper_stt.decodes import decode, spans, speech, spoken
from whisper_engine.model import Heard, Span
from whisper_engine.whisper.evidence import Limits, limits_for
from whisper_engine.whisper.guards import (
    Empty,
    Keep,
    Reason,
    Retry,
    Verdict,
    better,
    judge,
    judge_interim,
    to_heard,
)
from whisper_engine.whisper.task import Decoded, DecodedWord

QUESTION = "What are your opening hours on Saturday?"
CALIBRATED = Limits(no_speech=0.6)


def first(decoded: Decoded, seconds: float = 2.0, limits: Limits = CALIBRATED) -> Verdict:
    return judge(decoded, speech(seconds), last_try=False, limits=limits)


def last(decoded: Decoded, seconds: float = 2.0, limits: Limits = CALIBRATED) -> Verdict:
    return judge(decoded, speech(seconds), last_try=True, limits=limits)


def text_of(verdict: Verdict) -> str:
    assert isinstance(verdict, Keep), verdict
    return verdict.text


def test_a_good_decode_is_kept_as_it_is() -> None:
    decoded = spoken(QUESTION, 2.0)
    assert first(decoded) == last(decoded) == Keep(QUESTION, decoded.words)


def test_a_click_says_nothing_whatever_is_decoded() -> None:
    assert first(decode("Yes."), 0.1) == Empty(Reason.SHORT_SPEECH)
    assert judge(decode("Yes."), (), last_try=True) == Empty(Reason.SHORT_SPEECH)
    assert text_of(first(decode("Yes."), 0.13)) == "Yes."


def test_more_than_can_be_said_is_tried_again_and_then_dropped() -> None:
    story = "I would like to tell you that the weather has been rather fine in the north of late"
    assert first(decode(story), 1.0) == Retry(Reason.RATE)
    assert last(decode(story), 1.0) == Empty(Reason.RATE)
    assert text_of(first(decode(story), 2.0)) == story


def test_a_script_that_is_cut_finer_may_have_more_tokens() -> None:
    hindi = "उन्हें बुद्धि और अन्तरात्मा की देन प्राप्त है और परस्पर उन्हें भाईचारे के भाव से बर्ताव करना चाहिए।"
    assert text_of(first(decode(hindi, language="hi", tokens=(0,) * 100), 5.0)) == hindi


def test_a_text_that_compresses_too_well_is_tried_again_and_then_dropped() -> None:
    assert first(decode("a" * 30 + "h" * 30), 3.0) == Retry(Reason.COMPRESSION)
    assert last(decode("a" * 30 + "h" * 30), 3.0) == Empty(Reason.COMPRESSION)


def test_plain_hindi_is_not_taken_for_repetition() -> None:
    hindi = "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। उन्हें बुद्धि और अन्तरात्मा की देन प्राप्त है और परस्पर उन्हें भाईचारे के भाव से बर्ताव करना चाहिए।"
    assert text_of(first(decode(hindi, language="hi"), 10.0)) == hindi


@pytest.mark.parametrize(
    ("looped", "left"),
    [
        ("six six six SIX", "six"),
        ("No, no. No no I said Tuesday", "No, I said Tuesday"),
        ("I mean I mean I mean that", "I mean that"),
        (
            "Good day, thank you for, thank you for, thank you for, thank",
            "Good day, thank you for,",
        ),
        ("今天好今天好今天好", "今天好"),
    ],
)
def test_a_loop_is_tried_again_and_then_cut_to_its_first_copy(looped: str, left: str) -> None:
    decoded = decode(looped, language="it")  # whose numerals are not known
    assert first(decoded, 4.0) == Retry(Reason.LOOP)
    assert last(decoded, 4.0) == Keep(left, (), Reason.LOOP)


def test_a_loops_words_go_with_their_times() -> None:
    decoded = spoken("Hello? Hello? Hello? Hello? Is this the bakery?", 4.0)
    verdict = last(decoded, 4.0)
    assert text_of(verdict) == "Hello? Is this the bakery?"
    assert isinstance(verdict, Keep)
    assert verdict.words == (decoded.words[0], *decoded.words[4:])


@pytest.mark.parametrize("text", ["no no no", "very very good", "bye bye", "thank you thank you"])
def test_what_people_do_repeat_is_no_loop(text: str) -> None:
    assert text_of(first(decode(text))) == text


@pytest.mark.parametrize(
    ("language", "number"),
    [
        ("en", "five five five five five five"),
        ("en", "5 5 5 5 5 5"),
        ("en", "555 555 555 555"),
        ("en", "double five double five double five"),
        ("en", "oh oh oh oh seven"),
        ("en", "A, A, A, A, B, A"),
        ("es", "cincuenta y cinco cincuenta y cinco cincuenta y cinco"),
        ("de", "fünfunddreißig fünfunddreißig fünfunddreißig fünfunddreißig"),
        ("fr", "quatre-vingt-dix quatre-vingt-dix quatre-vingt-dix quatre-vingt-dix"),
        ("zh", "五五五五五五"),
        ("sw", "9 9 9 9"),
    ],
)
def test_digits_and_letters_may_repeat(language: str, number: str) -> None:
    assert text_of(first(decode(number, language=language), 3.0)) == number


def test_more_digits_than_can_be_said_are_a_loop() -> None:
    endless = " ".join(["six"] * 24)
    assert first(decode(endless), 3.0) == Retry(Reason.LOOP)
    assert text_of(last(decode(endless), 3.0)) == "six"


def test_a_long_number_does_not_compress_too_well() -> None:
    card = " ".join(["4", *"0" * 30, "1"])
    assert text_of(first(decode(card), 10.0)) == card


def test_an_unlikely_text_is_tried_again_and_then_kept_or_dropped() -> None:
    for logprob in (-1.05, -1.35, float("nan"), float("-inf")):
        assert first(decode(QUESTION, logprob=logprob)) == Retry(Reason.LOGPROB)
    assert last(decode(QUESTION, logprob=-1.25)) == Keep(QUESTION, (), Reason.LOGPROB)
    assert last(decode(QUESTION, logprob=-1.35)) == Empty(Reason.LOGPROB)
    assert text_of(first(decode(QUESTION, logprob=-0.95))) == QUESTION


def test_nobody_spoke_is_believed_of_a_doubtful_text_and_of_calibrated_models_only() -> None:
    breath = decode("I was there.", no_speech=0.7, logprob=-0.5)
    assert first(breath) == Empty(Reason.NO_SPEECH)
    assert text_of(first(breath, limits=Limits())) == breath.text
    assert text_of(first(replace(breath, no_speech=0.5))) == breath.text
    assert text_of(first(replace(breath, logprob=-0.3))) == breath.text


@pytest.mark.parametrize("name", ["tiny.en", "base", "openai/whisper-small", "/models/large-v2/"])
def test_older_models_are_asked_whether_nobody_spoke(name: str) -> None:
    assert limits_for(name).no_speech == 0.6


@pytest.mark.parametrize(
    "name", ["large-v3-turbo", "turbo", "large-v3", "distil-small.en", "distil-large-v3", "mine"]
)
def test_other_models_are_not(name: str) -> None:
    assert limits_for(name).no_speech is None


def test_words_where_nobody_spoke_were_not_said() -> None:
    decoded = spoken("I was not there at all", 3.0)  # 0.4 s to 3.4 s, a word each 0.5 s
    early, middle = spans((0.4, 0.9)), spans((0.4, 1.6))
    assert judge(decoded, early, last_try=False) == Empty(Reason.OUTSIDE_SPEECH)
    assert text_of(judge(decoded, middle, last_try=False)) == decoded.text


def test_a_word_across_a_pause_in_the_detectors_speech_is_inside() -> None:
    broken = spans((0.4, 1.0), (1.3, 1.8), (2.1, 3.4))
    assert text_of(judge(spoken(QUESTION, 3.0), broken, last_try=False)) == QUESTION


def test_speech_after_the_last_word_is_looked_for_once() -> None:
    decoded = spoken("What are your", 1.0)
    assert first(decoded, 1.9) == Retry(Reason.LOST_TAIL)
    assert last(decoded, 1.9) == Keep(decoded.text, decoded.words, Reason.LOST_TAIL)
    assert text_of(first(decoded, 1.7)) == decoded.text
    assert text_of(first(replace(decoded, words=()), 1.9)) == decoded.text


@pytest.mark.parametrize("text", ["", "...", "-"])
def test_nothing_said_in_long_speech_is_looked_for_once(text: str) -> None:
    assert first(decode(text), 1.0) == Retry(Reason.LOST_TAIL)
    assert last(decode(text), 1.0) == Empty(Reason.LOST_TAIL)
    assert first(decode(text), 0.5) == Empty(Reason.NOTHING_SAID)


def test_a_text_that_reached_its_cap_is_tried_again_and_then_kept() -> None:
    assert first(decode(QUESTION, capped=True)) == Retry(Reason.CAPPED)
    assert last(decode(QUESTION, capped=True)) == Keep(QUESTION, (), Reason.CAPPED)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Thanks for watching!"),
        ("en", "Thank you. Thank you."),
        ("en", "Bye."),
        ("en", "you"),
        ("de", "Untertitel der Amara.org-Community"),
        ("fr", "Sous-titres réalisés par la communauté d'Amara.org"),
        ("es", "¡Gracias!"),
        ("ja", "ご視聴ありがとうございました。"),
        ("en", "Субтитры сделал DimaTorzok"),
    ],
)
def test_a_known_phrase_needs_good_evidence(language: str, text: str) -> None:
    doubtful = decode(text, language=language, logprob=-0.5)
    assert first(doubtful, 1.0) == Empty(Reason.PHRASE)
    assert text_of(first(replace(doubtful, logprob=-0.3), 1.0)) == text


def test_a_known_phrase_partly_where_nobody_spoke_was_not_said() -> None:
    early = spans((0.4, 1.6))
    phrase = spoken("Thank you so much.", 2.0, logprob=-0.1)  # a word each half second
    sentence = spoken("Thank you for waiting.", 2.0, logprob=-0.1)
    assert judge(phrase, early, last_try=False) == Empty(Reason.PHRASE)
    assert text_of(judge(sentence, early, last_try=False)) == sentence.text


@pytest.mark.parametrize("text", ["Thank you.", "Bye.", "Thank you, bye.", "you"])
def test_a_courtesy_really_said_is_kept(text: str) -> None:
    assert text_of(first(spoken(text, 0.8, logprob=-0.3), 0.8)) == text
    assert text_of(first(spoken(text, 0.35, logprob=-0.15), 0.35)) == text


def test_in_little_speech_a_known_phrase_needs_more() -> None:
    assert first(decode("Thank you.", logprob=-0.3), 0.5) == Empty(Reason.PHRASE)
    assert first(decode("Please subscribe", logprob=-0.1), 0.5) == Empty(Reason.PHRASE)
    assert text_of(first(decode("Yes, please.", logprob=-0.3), 0.5)) == "Yes, please."


def test_a_phrase_within_a_sentence_is_the_callers() -> None:
    said = "Thank you for the invoice"
    assert text_of(first(decode(said, logprob=-0.6), 0.9)) == said


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
    assert text_of(judge_interim(unsure, speech(1.0))) == "what are"
    assert text_of(judge_interim(replace(unsure, words=()), speech(1.0))) == "what are you"
    alone = spoken("what", 1.0)
    alone = replace(alone, words=(replace(alone.words[0], probability=0.2),))
    assert text_of(judge_interim(alone, speech(1.0))) == "what"


def test_what_is_heard_has_stripped_words_and_their_mean_confidence() -> None:
    words = (DecodedWord(" Good", 0.4, 0.6, 0.5), DecodedWord(" day.", 0.6, 0.9, 1.0))
    decoded = decode("Good day.", words=words)
    heard = to_heard(decoded, first(decoded, 0.8), language="en")
    assert heard.text == "Good day."
    assert [word.text for word in heard.words] == ["Good", "day."]
    assert (heard.words[1].start, heard.confidence, heard.language) == (0.6, 0.75, "en")


def test_without_words_confidence_is_of_the_tokens() -> None:
    decoded = decode("Good day.", logprob=-0.5)
    assert to_heard(decoded, first(decoded)).confidence == pytest.approx(0.6065, abs=1e-3)


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
    assert first(decoded, seconds) == Keep(number, decoded.words)
