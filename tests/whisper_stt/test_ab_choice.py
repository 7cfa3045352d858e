from collections.abc import Callable
from dataclasses import replace

import pytest

from whisper_engine.cli.ab.choice import LEAST_WORDS, Slices, choose
from whisper_engine.cli.ab.grid import BEAMS, Condition, conditions
from whisper_engine.cli.ab.report import as_json, markdown
from whisper_engine.cli.ab.scoring import Rates

WORDS = 10 * LEAST_WORDS
ALLOWED = WORDS // 1_000
"""Errors more than at 30 s that still count as none."""


def rates(errors: int, words: int = WORDS) -> Rates:
    return Rates(turns=words // 4, words=words, errors=errors, loops=3, empties=1)


def table(
    more: Callable[[Condition], int],
    one_word: Callable[[Condition], int] = lambda _: 0,
    words: int = WORDS,
) -> dict[Condition, Slices]:
    return {
        each: Slices(rates(500 + more(each), words), rates(100 + one_word(each)))
        for each in conditions()
    }


def seconds(condition: Condition) -> float:
    return 30.0 if condition.margin is None else condition.margin


def test_the_least_margin_that_costs_nothing_is_chosen() -> None:
    found = table(lambda each: 0 if seconds(each) >= 2.56 else ALLOWED + 1)
    policy = choose(found, beam=1)
    assert (policy.margin, policy.padding, policy.beam) == (2.56, "audio", 1)


def test_a_rise_of_a_tenth_of_a_point_is_allowed_and_no_more() -> None:
    assert choose(table(lambda each: ALLOWED * (each.margin is not None)), 1).margin == 0.0
    assert choose(table(lambda each: (ALLOWED + 1) * (each.margin is not None)), 1).margin is None


@pytest.mark.parametrize("loss", [0.0, 0.03])
def test_every_line_must_be_as_good(loss: float) -> None:
    found = table(lambda each: 99 if each.loss == loss and seconds(each) < 5 else 0)
    assert choose(found, 1).margin == 5.0


def test_turns_of_one_word_must_be_as_good() -> None:
    found = table(lambda _: 0, one_word=lambda each: 99 if seconds(each) < 5 else 0)
    assert choose(found, 1).margin == 5.0


def test_a_margin_that_is_good_by_chance_is_not_believed() -> None:
    found = table(lambda each: 99 if each.margin in (1.28, 2.56) else 0)
    assert choose(found, 1).margin == 5.0


def test_beams_are_judged_apart() -> None:
    found = table(lambda each: 99 if each.beam == 1 and each.margin is not None else 0)
    assert [choose(found, beam).margin for beam in BEAMS] == [None, 0.0]


def test_a_padding_is_held_against_the_better_one() -> None:
    """Mel zeros that are bad at any length must not pass by being bad at 30 s as well."""
    found = table(lambda each: 99 if each.padding == "mel" or seconds(each) < 2.56 else 0)
    policy = choose(found, 1)
    assert (policy.padding, policy.margin) == ("audio", 2.56)
    found = table(lambda each: 0 if each.padding == "mel" or seconds(each) > 2.56 else 99)
    policy = choose(found, 1)
    assert (policy.padding, policy.margin) == ("mel", 0.0)


def test_too_few_words_decide_nothing() -> None:
    policy = choose(table(lambda _: 0, words=LEAST_WORDS - 1), 1)
    assert policy.margin is None
    assert f"at least {LEAST_WORDS}" in policy.why


def test_the_page_has_a_row_a_condition_and_a_sentence_a_beam() -> None:
    found = table(lambda each: 0 if seconds(each) >= 2.56 else 500)
    page = markdown("base.en", "en", found, [choose(found, beam) for beam in BEAMS])
    assert page.count("\n| 3 % |") == page.count("\n| 0 % |") == len(found) / 2
    assert "| 0 % | audio zeros | 1.28 s | 1 | 10.00 | 0.1 | 0.0 | 1.00 | 0.1 | 0.0 |" in page
    assert "| 3 % | mel zeros | to 30 s | 5 | 5.00 | 0.1 | 0.0 | 1.00 | 0.1 | 0.0 |" in page
    assert "Beam 5: encode the sound and 2.56 s, padded with audio zeros (within 0.1" in page


def test_a_slice_without_turns_has_no_figures() -> None:
    none = Rates(0, 0, 0, 0, 0)
    found = {each: replace(slices, one_word=none) for each, slices in table(lambda _: 0).items()}
    assert "| 5.00 | 0.1 | 0.0 | - | - | - |" in markdown("base.en", "en", found, [])


def test_machines_get_every_figure() -> None:
    found = table(lambda _: 0)
    report = as_json("base.en", "en", found, [choose(found, 1)])
    assert len(report["rows"]) == len(found)
    assert report["rows"][0]["turns"]["wer"] == pytest.approx(0.05)
    assert report["policies"][0]["margin"] == 0.0
