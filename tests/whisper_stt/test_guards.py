"""Each guard by a decode that trips it and a near one that does not."""

from dataclasses import replace

import pytest

from tests.whisper_stt.decodes import decode, spans, speech, spoken
from whisper_engine.whisper.evidence import Limits, limits_for
from whisper_engine.whisper.guards import (
    Empty,
    Keep,
    Reason,
    Retry,
    Verdict,
    judge,
)
from whisper_engine.whisper.task import Decoded

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


def test_a_known_phrase_after_what_was_said_is_cut_where_it_is_badly_heard() -> None:
    decoded = spoken("That is all. Thank you.", 2.0)
    *said, thank, you = decoded.words
    assert text_of(first(decoded)) == decoded.text
    unsure = [replace(word, probability=0.5) for word in (thank, you)]
    verdict = first(replace(decoded, words=(*said, *unsure)))
    assert verdict == Keep("That is all.", tuple(said), Reason.PHRASE)
    late = [replace(word, start=2.7, end=2.8) for word in (thank, you)]
    assert first(replace(decoded, words=(*said, *late))) == verdict
