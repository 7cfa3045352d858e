"""What is kept for a new socket."""

from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.whisper_stt.replay import LONGEST, Asked, Replay

from whisper_engine.protocol import SAMPLE_RATE

SECOND = bytes(range(250)) * (2 * SAMPLE_RATE // 250)


def kept(replay: Replay) -> bytes:
    return b"".join(item for item in replay.items() if isinstance(item, bytes))


def test_what_was_asked_comes_again_at_its_place() -> None:
    replay = Replay()
    replay.add_audio(b"aa")
    replay.add_flush("1")
    replay.add_audio(b"bb")
    replay.add_flush("2")
    assert list(replay.items()) == [b"aa", Asked("1", 1), b"bb", Asked("2", 2)]


def test_an_answered_flush_takes_its_sound_with_it() -> None:
    replay = Replay()
    replay.add_audio(b"aa")
    replay.add_flush("1")
    replay.add_audio(b"bb")
    replay.answered("1")
    assert list(replay.items()) == [b"bb"]
    assert not replay.asked


def test_a_final_of_the_engine_s_own_takes_what_it_says() -> None:
    replay = Replay()
    replay.add_audio(b"aabbcc")
    replay.decided(2)
    assert list(replay.items()) == [b"cc"]
    assert replay.start == 2


def test_an_answer_nobody_asked_for_takes_nothing() -> None:
    replay = Replay()
    replay.add_audio(b"aa")
    replay.answered("7")
    assert list(replay.items()) == [b"aa"]


@given(st.lists(st.integers(1, 50), max_size=20))
def test_it_keeps_the_newest_sound_and_not_too_much(seconds: list[int]) -> None:
    replay = Replay()
    for length in seconds:
        for _ in range(length):
            replay.add_audio(SECOND)
        assert replay.end - replay.start == len(kept(replay)) // 2
    assert replay.end - replay.start == min(sum(seconds) * SAMPLE_RATE, LONGEST)
