"""Numbers as callers say them."""

from pathlib import Path

import pytest

from agent.barge_in.turns import is_short_answer
from agent.lexicon import Lexicon
from agent.lexicon.numerals import FOLDER, number_words, spoken


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("five five five, oh one zero zero", "5550100"),
        ("Triple five 0100.", "5550100"),
        ("double five", "55"),
        ("double oh seven", "007"),
        ("twenty-three", "23"),
        ("twenty three forty five", "2345"),
        ("nineteen eighty four", "1984"),
        ("twenty oh five", "2005"),
        ("one hundred and five", "105"),
        ("a hundred and five", "105"),
        ("one hundred five", "105"),
        ("twelve hundred", "1200"),
        ("two thousand and six", "2006"),
        ("two thousand five hundred and thirty one", "2531"),
    ],
)
def test_english(text: str, digits: str) -> None:
    assert spoken(text, "en").digits == digits


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("Null drei, zwo, fünf.", "0325"),
        ("dreiundzwanzig", "23"),
        ("Drei und zwanzig", "23"),
        ("einundzwanzig zweiundvierzig", "2142"),
        ("hundertfünf", "105"),
        ("ein hundert fünf", "105"),
        ("zweitausenddreihundertvierundfünfzig", "2354"),
        ("sechzehn null sieben", "1607"),
        ("doppel fünf", "55"),
        ("ein Moment", ""),
    ],
)
def test_german(text: str, digits: str) -> None:
    assert spoken(text, "de").digits == digits


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("zéro six vingt-trois quarante-cinq", "062345"),
        ("vingt et un", "21"),
        ("dix-sept", "17"),
        ("soixante et onze", "71"),
        ("soixante-dix-huit", "78"),
        ("quatre-vingts", "80"),
        ("quatre-vingt-dix-sept", "97"),
        ("cent cinq", "105"),
        ("mille neuf cent quatre-vingt-quatre", "1984"),
        ("septante-deux", "72"),
    ],
)
def test_french(text: str, digits: str) -> None:
    assert spoken(text, "fr").digits == digits


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("doble siete, uno", "771"),
        ("veintitrés", "23"),
        ("treinta y cinco", "35"),
        ("noventa y uno dos", "912"),
        ("ciento cinco", "105"),
        ("mil doscientos treinta y cuatro", "1234"),
        ("dos mil veintiséis", "2026"),
    ],
)
def test_spanish(text: str, digits: str) -> None:
    assert spoken(text, "es").digits == digits


@pytest.mark.parametrize(
    ("language", "text", "digits"),
    [
        ("en", "twenty, three", "203"),
        ("en", "twenty and three", "203"),
        ("en", "five and six", "56"),
        ("en", "eight hundred five five five", "800555"),
        ("fr", "quatre, vingt", "420"),
    ],
)
def test_what_is_dictated_apart_stays_apart(language: str, text: str, digits: str) -> None:
    assert spoken(text, language).digits == digits


@pytest.mark.parametrize(
    ("language", "text", "digits"),
    [("sv", "ett 12 3-4", "1234"), ("en", "٤٢", "42"), ("en", "someone", ""), ("en", "", "")],
)
def test_figures_are_known_in_every_language(language: str, text: str, digits: str) -> None:
    assert spoken(text, language).digits == digits


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("It is one hundred and five.", True),
        ("My pin is 1234, I think.", True),
        ("One moment, please.", False),
        ("Maybe in twenty minutes or so.", False),
        ("I have two children and a dog.", False),
        ("Good day.", False),
    ],
)
def test_digits_are_an_answer_where_the_text_is_about_them(text: str, answer: bool) -> None:
    assert spoken(text, "en").is_answer is answer


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_numeral_is_read_as_itself(file: Path) -> None:
    values = {int(spoken(word, file.stem).digits) for word in number_words(file.stem)}
    assert values >= {*range(17), 20, 30, 40, 50, 60, 100}


@pytest.mark.parametrize(
    ("language", "answer"),
    [("en", "Twenty-three."), ("de", "Dreiundzwanzig."), ("fr", "Dix-sept"), ("es", "Veintitrés")],
)
def test_a_number_is_a_short_answer(language: str, answer: str) -> None:
    assert is_short_answer(answer, "How many are you?", Lexicon.of(language))
