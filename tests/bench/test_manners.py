"""The bench of manners finds what it is to find, and its cases are what they say."""

import pytest

from agent.barge_in.verdict import Meaning, judge
from agent.lexicon import Lexicon
from bench.manners import Outcome, outcome, page
from bench.manners_cases import Utterance, cases
from parley.rehearse.clock import run


def test_a_backchannel_is_no_stop() -> None:
    said = Utterance("backchannel", 0.4, "Uh-huh.", ((0.3, "Uh"),), stops=False)
    told = run(outcome(said, at=2.0))
    assert told == Outcome("backchannel", False, False, None, None, 0.0, None)


def test_a_long_noise_is_a_false_stop() -> None:
    noise = Utterance("radio", 1.5, "", (), stops=False)
    told = run(outcome(noise, at=2.0))
    assert told.stopped
    assert told.paused > 1.0


def test_an_interruption_is_timed_from_its_words_to_silence() -> None:
    said = Utterance("interruption", 0.6, "Hold on.", ((0.3, "Hold on"),), stops=True)
    told = run(outcome(said, at=2.0))
    assert told.stopped
    assert told.decided == pytest.approx(0.3, abs=0.04)
    assert told.silent is not None
    assert 0.0 < told.silent < 0.3
    assert told.off_by is not None
    assert abs(told.off_by) <= 1.5


def test_the_cases_are_the_same_for_a_seed_and_each_is_what_it_is_called() -> None:
    drawn = list(cases(seed=1, each=2))
    assert drawn == list(cases(seed=1, each=2))
    assert drawn != list(cases(seed=2, each=2))
    for case in drawn:
        assert all(at < case.seconds for at, _ in case.interims)
        if case.text:
            verdict = judge(case.text, own=(), lexicon=Lexicon.of("en"), num_words=2)
            assert verdict.withheld is not case.stops


def test_the_page_counts_shares() -> None:
    stop = Outcome("interruption", True, True, 0.5, 0.2, 0.0, 1.4)
    missed = Outcome("interruption", True, False, None, None, 0.0, None)
    false = Outcome("cough", False, True, None, None, 0.9, None)
    text = "\n".join(page([stop, missed, false]))
    assert "| false stops, of backchannels and noises | ≤ 5 % | 1 | 100.0 % |" in text
    assert "| interruptions missed | ≤ 2 % | 2 | 50.0 % |" in text
    assert "| history within one word of what was heard | ≥ 95 % | 1 | 0.0 % |" in text
    assert "500 / 500 / 500" in text


def test_meanings_of_the_lexicon_cover_a_word_that_may_go_on() -> None:
    verdict = judge("Actually.", own=(), lexicon=Lexicon.of("en"), num_words=2)
    assert verdict.meaning is Meaning.UNDECIDED
