"""Which messages a session takes, and which it refuses or forgives."""

import pytest

from csm_engine.utterances import MAX_OPEN, MAX_REMEMBERED, Utterances
from parley_serving import RefusedError


def test_an_utterance_is_wanted_until_it_ends() -> None:
    utterances = Utterances()
    assert utterances.idle.is_set()
    assert utterances.take_text("u", 0)
    assert utterances.take_text("u", 1)
    assert utterances.take_done("u")
    assert utterances.wants("u")
    assert not utterances.idle.is_set()
    assert utterances.end("u") == "stop"
    assert not utterances.wants("u")
    assert utterances.idle.is_set()


def test_a_cancelled_utterance_forgives_what_is_late() -> None:
    utterances = Utterances()
    utterances.take_text("u", 0)
    assert utterances.cancel("u")
    assert not utterances.wants("u")
    for _ in range(2):  # while it stops, and after
        assert not utterances.take_text("u", 7)
        assert not utterances.take_done("u")
        assert not utterances.cancel("u")
        if utterances.idle.is_set():
            break
        assert utterances.end("u") == "cancelled"


def test_a_cancel_may_come_first() -> None:
    utterances = Utterances()
    assert utterances.cancel("u")
    assert utterances.end("u") == "cancelled"
    assert not utterances.take_text("u", 0)


@pytest.mark.parametrize("sentence", [0, 2])
def test_a_sentence_must_be_the_next(sentence: int) -> None:
    utterances = Utterances()
    utterances.take_text("u", 0)
    with pytest.raises(RefusedError, match="next"):
        utterances.take_text("u", sentence)


def test_nothing_follows_the_end() -> None:
    utterances = Utterances()
    utterances.take_text("u", 0)
    utterances.take_done("u")
    with pytest.raises(RefusedError):
        utterances.take_done("u")
    utterances.end("u")
    with pytest.raises(RefusedError):
        utterances.take_text("u", 1)


def test_open_utterances_are_bounded() -> None:
    utterances = Utterances()
    for number in range(MAX_OPEN):
        utterances.take_text(f"u{number}", 0)
    with pytest.raises(RefusedError):
        utterances.take_text("one more", 0)
    with pytest.raises(RefusedError):
        utterances.cancel("one more")


def test_memory_of_the_ended_is_bounded() -> None:
    utterances = Utterances()
    for number in range(MAX_REMEMBERED + 1):
        utterances.cancel(f"u{number}")
        utterances.end(f"u{number}")
    assert utterances.take_text("u0", 0), "forgotten, so it is new"
    assert not utterances.take_text("u1", 0)
