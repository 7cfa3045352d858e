import pytest

from whisper_engine.cli.ab.scoring import Rates, Score, normaliser, pool, score

ENGLISH = normaliser("en")


@pytest.mark.parametrize(
    ("said", "heard", "errors", "words"),
    [
        ("IT'S TWENTY ONE", "It is 21.", 0, 3),
        ("yes", "Yeah.", 1, 1),
        ("yes", "", 1, 1),
        ("call me at nine", "call me nine", 1, 4),
        ("yes", "yes yes yes", 2, 1),
    ],
)
def test_words_are_compared_as_the_whisper_paper_compares_them(
    said: str, heard: str, errors: int, words: int
) -> None:
    found = score(said, heard, loop=False, normalise=ENGLISH)
    assert (found.errors, found.words) == (errors, words)


def test_a_text_without_words_is_empty() -> None:
    assert score("yes", " [music] ", loop=False, normalise=ENGLISH) == Score(
        1, 1, False, empty=True
    )
    assert not score("yes", "no", loop=True, normalise=ENGLISH).empty


def test_what_was_never_said_cannot_be_scored() -> None:
    with pytest.raises(ValueError, match="has no words"):
        score("[noise]", "yes", loop=False, normalise=ENGLISH)


def test_other_languages_lose_their_case_and_marks_only() -> None:
    found = score("¿Qué tal, señor?", "qué tal senor", loop=False, normalise=normaliser("es"))
    assert (found.errors, found.words) == (1, 3)


def test_rates_are_pooled_over_words_not_over_turns() -> None:
    rates = pool([Score(1, 1, True, False), Score(0, 9, False, False), Score(2, 2, False, True)])
    assert rates == Rates(turns=3, words=12, errors=3, loops=1, empties=1)
    assert rates.wer == 0.25
    assert rates.loop_rate == pytest.approx(1 / 3)


def test_nothing_has_no_rates() -> None:
    assert (pool([]).wer, pool([]).loop_rate, pool([]).empty_rate) == (0, 0, 0)
