"""Which messages a session takes, and which it refuses or forgives."""

import pytest

from csm_engine.ledger import MAX_OPEN, MAX_REMEMBERED, Ledger
from parley_serving import RefusedError


def test_an_utterance_is_wanted_until_it_ends() -> None:
    ledger = Ledger()
    assert ledger.idle.is_set()
    assert ledger.take_text("u", 0)
    assert ledger.take_text("u", 1)
    assert ledger.take_done("u")
    assert ledger.wants("u")
    assert not ledger.idle.is_set()
    assert ledger.end("u") == "stop"
    assert not ledger.wants("u")
    assert ledger.idle.is_set()


def test_a_cancelled_utterance_forgives_what_is_late() -> None:
    ledger = Ledger()
    ledger.take_text("u", 0)
    assert ledger.cancel("u")
    assert not ledger.wants("u")
    for _ in range(2):  # while it stops, and after
        assert not ledger.take_text("u", 7)
        assert not ledger.take_done("u")
        assert not ledger.cancel("u")
        if ledger.idle.is_set():
            break
        assert ledger.end("u") == "cancelled"


def test_a_cancel_may_come_first() -> None:
    ledger = Ledger()
    assert ledger.cancel("u")
    assert ledger.end("u") == "cancelled"
    assert not ledger.take_text("u", 0)


@pytest.mark.parametrize("sentence", [0, 2])
def test_a_sentence_must_be_the_next(sentence: int) -> None:
    ledger = Ledger()
    ledger.take_text("u", 0)
    with pytest.raises(RefusedError, match="next"):
        ledger.take_text("u", sentence)


def test_nothing_follows_the_end() -> None:
    ledger = Ledger()
    ledger.take_text("u", 0)
    ledger.take_done("u")
    with pytest.raises(RefusedError):
        ledger.take_done("u")
    ledger.end("u")
    with pytest.raises(RefusedError):
        ledger.take_text("u", 1)


def test_open_utterances_are_bounded() -> None:
    ledger = Ledger()
    for number in range(MAX_OPEN):
        ledger.take_text(f"u{number}", 0)
    with pytest.raises(RefusedError):
        ledger.take_text("one more", 0)
    with pytest.raises(RefusedError):
        ledger.cancel("one more")


def test_memory_of_the_ended_is_bounded() -> None:
    ledger = Ledger()
    for number in range(MAX_REMEMBERED + 1):
        ledger.cancel(f"u{number}")
        ledger.end(f"u{number}")
    assert ledger.take_text("u0", 0), "forgotten, so it is new"
    assert not ledger.take_text("u1", 0)
