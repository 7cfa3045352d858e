import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_engine.whisper import lengths
from whisper_engine.whisper.lengths import BUCKETS, Lengths

SECOND = 16000
MELS = (80, 128)

seconds = st.floats(0, 30)


@given(seconds, st.booleans(), st.sampled_from(["cpu", "cuda"]), st.floats(0, 30))
def test_input_holds_the_audio_and_is_one_that_ctranslate2_takes(
    length: float, final: bool, device: str, margin: float
) -> None:
    samples = int(length * SECOND)
    for policy in (Lengths.for_device(device), Lengths(margin, margin, margin)):
        frames = policy.frames(samples, final=final)
        assert frames in BUCKETS
        assert frames * lengths.FRAME_SAMPLES >= samples
        assert not any(lengths.collides(frames, mels) for mels in MELS)


@given(seconds, st.floats(0, 5))
def test_margin_is_kept_up_to_thirty_seconds(length: float, margin: float) -> None:
    frames = Lengths(interim_margin=margin).frames(int(length * SECOND), final=False)
    assert frames >= min(100 * (length + margin) - 1, lengths.FULL_FRAMES)


def test_one_second_by_device_and_use() -> None:
    cpu, cuda = Lengths.for_device("cpu"), Lengths.for_device("cuda")
    assert cpu.frames(SECOND, final=False) == cuda.frames(SECOND, final=False) == 400
    assert cpu.frames(SECOND // 10, final=True) == 400
    assert cpu.frames(6 * SECOND, final=True) == 1000
    assert cuda.frames(SECOND, final=True) == 3000


def test_margin_falls_where_thirty_seconds_end() -> None:
    assert Lengths.for_device("cpu").frames(29 * SECOND, final=True) == 3000


def test_more_than_thirty_seconds_are_refused() -> None:
    with pytest.raises(ValueError, match="cut longer audio"):
        Lengths().frames(30 * SECOND + 1, final=True)


@given(st.floats(0, 30))
def test_tokens_grow_with_speech_up_to_whispers_most(length: float) -> None:
    assert lengths.SPARE_TOKENS <= lengths.most_tokens(int(length * SECOND)) <= lengths.MOST_TOKENS


def test_tokens_for_one_second_of_speech() -> None:
    assert lengths.most_tokens(SECOND) == 20


def test_a_script_that_the_vocabulary_cuts_finer_may_take_more_tokens() -> None:
    assert lengths.most_tokens(SECOND, ["en", "hi"]) == 6 * 8 + 12


@given(st.integers(1, lengths.MOST_TOKENS), st.integers(2, 68))
def test_max_length_leaves_room_for_all_tokens(tokens: int, prompt: int) -> None:
    limit = lengths.max_length(tokens, prompt)
    assert min(limit // 2, limit - prompt + 1) == tokens
    assert limit <= 448
