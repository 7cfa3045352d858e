"""A call's language: when it is certain, and what does not make it so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_engine.whisper.languages import LanguageLock, normalise

ALLOWED = ("en-US", "es", "de")


@pytest.mark.parametrize(
    ("code", "whisper"),
    [
        ("en", "en"),
        ("en-US", "en"),
        ("pt_BR", "pt"),
        (" ENG ", "en"),
        ("zh", "zh"),
        ("cmn-Hans-CN", "zh"),
        ("yue", "yue"),
        ("nb-NO", "no"),
        ("iw", "he"),
        ("jv", "jw"),
        ("fil", "tl"),
        ("tlh", "tlh"),
    ],
)
def test_codes_are_whispers(code: str, whisper: str) -> None:
    assert normalise(code) == whisper


def test_until_it_is_certain_all_that_is_allowed_may_be_spoken() -> None:
    assert LanguageLock(ALLOWED).candidates == ("en", "es", "de")
    assert LanguageLock(("en-US", "en-GB", "es")).candidates == ("en", "es")


def test_no_language_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one language"):
        LanguageLock(())


def test_a_long_sure_turn_locks() -> None:
    lock = LanguageLock(ALLOWED)
    lock.saw("es-MX", 0.81, 1.5)
    assert lock.candidates == ("es",)


@pytest.mark.parametrize(("probability", "seconds"), [(0.8, 3.0), (0.99, 1.4)])
def test_one_short_or_unsure_turn_does_not(probability: float, seconds: float) -> None:
    lock = LanguageLock(ALLOWED)
    lock.saw("es", probability, seconds)
    assert len(lock.candidates) == 3


def test_two_turns_in_a_row_that_agree_lock() -> None:
    lock = LanguageLock(ALLOWED)
    for language in ("es", "en", "es"):
        lock.saw(language, 0.6, 0.5)
        assert len(lock.candidates) == 3
    lock.saw("es", 0.6, 0.5)
    assert lock.candidates == ("es",)


def test_an_unlikely_turn_neither_counts_nor_disturbs() -> None:
    lock = LanguageLock(ALLOWED)
    lock.saw("es", 0.7, 0.5)
    lock.saw("de", 0.4, 0.5)
    lock.saw("de", float("nan"), 0.5)
    lock.saw("es", 0.7, 0.5)
    assert lock.candidates == ("es",)


turns = st.tuples(st.sampled_from(["en", "es", "de", "fr"]), st.floats(0, 1), st.floats(0, 30))


@given(st.lists(turns, max_size=20))
def test_a_lock_is_one_of_the_allowed_and_for_good(seen: list[tuple[str, float, float]]) -> None:
    lock = LanguageLock(ALLOWED)
    locked: tuple[str, ...] | None = None
    for turn in seen:
        lock.saw(*turn)
        assert set(lock.candidates) <= {"en", "es", "de"}
        assert locked in (None, lock.candidates)
        if len(lock.candidates) == 1:
            locked = lock.candidates
