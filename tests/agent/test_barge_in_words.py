"""What words mean, by the lexicons: pure."""

from pathlib import Path

import pytest
from yaml import safe_load

from agent.barge_in.cooldown import Cooldown
from agent.barge_in.turns import FLOOR, Delays, Pace, is_short_answer
from agent.barge_in.verdict import Meaning, judge
from agent.lexicon import FOLDER, Lexicon, words

ENGLISH = Lexicon.of("en-GB", interruptions=["hold on"])
ASKED = "Shall I book it?"


def meaning(text: str, language: str = "en", own: str = "") -> Meaning:
    lexicon = Lexicon.of(language)
    return judge(text, own=words(own), lexicon=lexicon, num_words=2).meaning


def test_words_are_compared_without_their_dress() -> None:
    assert words("Uh-huh, that\N{RIGHT SINGLE QUOTATION MARK}s RIGHT!") == (
        "uh",
        "huh",
        "that's",
        "right",
    )
    assert words("\N{FULLWIDTH LATIN CAPITAL LETTER J}a, Straße …") == ("ja", "strasse")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Uh-huh."),
        ("en", "Yeah, yeah. Right, I see."),
        ("en", "Mm-hmm, that's right."),
        ("de", "Ach so, ja, alles klar."),
        ("es", "Sí, sí, de acuerdo."),
        ("fr", "Ah bon, d\N{RIGHT SINGLE QUOTATION MARK}accord."),
    ],
)
def test_acknowledgements_of_a_language(language: str, text: str) -> None:
    assert meaning(text, language) is Meaning.ACKNOWLEDGEMENT


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Yeah, but when?"),
        ("en", "Right, stop."),
        ("en", "No no."),
        ("de", "Ja, aber wann?"),
        ("de", "Moment!"),
        ("es", "Espere."),
        ("fr", "Oui mais quand ?"),
    ],
)
def test_interruptions_of_a_language(language: str, text: str) -> None:
    assert meaning(text, language) is Meaning.INTERRUPTION


@pytest.mark.parametrize("text", ["That's", "All right, thank", "Yes, of", "I", "Uh huh, all"])
def test_what_may_become_an_acknowledgement_is_its_beginning(text: str) -> None:
    assert meaning(text) is Meaning.BEGINNING


@pytest.mark.parametrize("text", ["That's not", "All of it", "I want"])
def test_the_next_word_tells(text: str) -> None:
    assert meaning(text) is Meaning.INTERRUPTION


def test_a_single_word_may_become_more() -> None:
    assert meaning("Actually") is Meaning.UNDECIDED


def test_a_language_without_a_lexicon_has_what_the_persona_gives_it() -> None:
    lexicon = Lexicon.of("pl", acknowledgements=["no tak"])
    assert judge("No tak.", own=(), lexicon=lexicon, num_words=2).withheld
    assert not judge("Aha.", own=(), lexicon=lexicon, num_words=2).withheld


def test_the_agents_words_before_the_callers_are_cut_from_the_text() -> None:
    own = words("We open at nine on Monday morning.")
    verdict = judge("open at nine on -- And on Sundays?", own=own, lexicon=ENGLISH, num_words=2)
    assert verdict.text == "And on Sundays?"
    assert meaning("open at mine on monday", own="we open at nine on monday") is Meaning.ECHO


def test_a_word_or_two_in_the_agents_words_are_no_echo_before_the_callers_own() -> None:
    own = words("We open at nine on Monday morning.")
    text = "at nine you say"
    assert judge(text, own=own, lexicon=ENGLISH, num_words=2).text == text


@pytest.mark.parametrize("answer", ["Yes.", "No, thanks.", "Seven.", "Half past nine", "25", "OK."])
def test_short_answers(answer: str) -> None:
    assert is_short_answer(answer, ASKED, ENGLISH)
    assert not is_short_answer(answer, "It is booked.", ENGLISH)


@pytest.mark.parametrize("answer", ["Well", "Yes but", "five five five one", "555", ""])
def test_what_may_go_on_is_no_short_answer(answer: str) -> None:
    assert not is_short_answer(answer, ASKED, ENGLISH)


def test_a_number_that_is_dictated_is_not_complete_after_its_first_group() -> None:
    assert not is_short_answer("forty two", "What is your telephone number?", ENGLISH)
    assert is_short_answer("forty two", "How old are you?", ENGLISH)


def test_the_pace_of_a_turn_that_interrupts() -> None:
    pace = Pace(Delays(0.4, 0.8), after_interruption=0.4)
    assert pace.delays == Delays(0.4, 0.8)
    assert Pace(pace.usual, 0.4, hurried=True).delays == Delays(FLOOR, 0.4)
    assert Pace(pace.usual, 0.1, hurried=True).delays == Delays(FLOOR, FLOOR)
    assert Pace(pace.usual, 0.4, answers=True).delays == Delays(0.4, 0.4)


def test_sound_interrupts_again_when_the_cooldown_is_over() -> None:
    cooldown = Cooldown(1.5)
    assert cooldown.sound_interrupts(0.0)
    cooldown.stopped(10.0)
    assert cooldown.left(10.5) == 1.0
    assert not cooldown.sound_interrupts(11.4)
    assert cooldown.sound_interrupts(11.5)


def test_sound_interrupts_no_one_who_acknowledges() -> None:
    cooldown = Cooldown(1.5)
    cooldown.heard(0.0, acknowledgement=True, beginning=False)
    assert not cooldown.sound_interrupts(60.0)
    cooldown.silence()
    assert cooldown.sound_interrupts(60.0)


def test_sound_waits_for_the_next_word_of_what_may_acknowledge() -> None:
    cooldown = Cooldown(1.5)
    cooldown.heard(10.0, acknowledgement=False, beginning=True)
    assert not cooldown.sound_interrupts(10.5)
    assert cooldown.sound_interrupts(10.7)
    cooldown.heard(10.2, acknowledgement=False, beginning=False)
    assert cooldown.sound_interrupts(10.5)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_no_phrase_of_a_lexicon_says_two_things(file: Path) -> None:
    phrases = {kind: set(map(words, said)) for kind, said in safe_load(file.read_text()).items()}
    assert not phrases["acknowledgements"] & phrases["interruptions"]
    assert not phrases["answers"] & phrases["interruptions"]
    lexicon = Lexicon.of(file.stem)
    assert all(lexicon.acknowledgements.without(said) == () for said in phrases["acknowledgements"])
    assert all(lexicon.interruptions.within(said) for said in phrases["interruptions"])
