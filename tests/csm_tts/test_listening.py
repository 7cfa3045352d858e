"""Callers' sound in codes: what each said, however it came, whoever else was talking."""

from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from csm_engine.audio import Resampler
from csm_engine.csm.config import config_from
from csm_engine.csm.fields import Fields
from csm_engine.csm.mimi.encoder import MimiEncoder
from csm_engine.csm.mimi.pcm import from_int16
from csm_engine.csm.model import Csm
from csm_engine.csm.synthetic import TINY, random_model
from csm_engine.engine.listening import Ear, Listening
from csm_engine.engine.talk import Append
from csm_engine.engine.talks import Talks
from tests.csm_tts.csm_folders import batch, noise
from tests.csm_tts.desk import talk

pytestmark = pytest.mark.engine

RATE = 24_000
FRAME = config_from(Fields(TINY, "tiny")).codec.frame_size
KEPT = 250
"""Frames of 20 s."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def model() -> Csm:
    return random_model(TINY, seed=1)


def make(model: Csm, *, slots: int = 3, max_frames: int = 4) -> MimiEncoder:
    return MimiEncoder(model.config.codec, model.weights.codec, slots=slots, max_frames=max_frames)


def pcm(frames: float, *, rate: int = RATE, seed: int = 0) -> bytes:
    return noise(frames * 0.08, rate, seed=seed).tobytes()


def encoded(encoder: MimiEncoder, sound: bytes, rate: int = RATE) -> torch.Tensor:
    """The whole at once, [n, codebooks]."""
    if rate != RATE:
        resampler = Resampler(rate, RATE)
        sound = resampler.push(sound) + resampler.finish()
    return encoder.encode(from_int16(torch.from_numpy(np.frombuffer(sound, np.int16).copy()))).T


def begin(listening: Listening, rate: int = RATE) -> Ear:
    ear = listening.begin(rate)
    assert ear is not None
    return ear


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000])
@pytest.mark.parametrize("frames", [0.01, 1, 6.5])
def test_a_turn_has_the_codes_of_its_sound(model: Csm, rate: int, frames: float) -> None:
    listening = Listening(encoder := make(model), 2)
    ear = begin(listening, rate)
    sound = pcm(frames, rate=rate)
    for start in range(0, len(sound), 642):
        ear.hear(sound[start : start + 642])
        listening.work(4)
    taken = ear.take()
    assert (taken.dtype, taken.device.type) == (torch.long, "cpu")
    assert torch.equal(taken, encoded(encoder, sound, rate))


def test_a_take_begins_anew(model: Csm) -> None:
    listening = Listening(encoder := make(model), 2)
    ear = begin(listening, 16_000)
    for seed in (1, 2):
        sound = pcm(3.3, rate=16_000, seed=seed)
        ear.hear(sound)
        assert torch.equal(ear.take(), encoded(encoder, sound, 16_000))
    assert ear.take().shape == (0, model.config.num_codebooks)


@settings(max_examples=40, deadline=None)
@given(
    events=st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 3 * FRAME)) | st.integers(1, 4), max_size=30
    )
)
def test_callers_at_phases_of_their_own_are_each_heard(
    events: list[tuple[int, int] | int],
) -> None:
    listening = Listening(encoder := make(random_model(TINY, seed=1)), 3)
    ears = [begin(listening) for _ in range(3)]
    said = [b"", b"", b""]
    for event, seed in zip(events, count(), strict=False):
        if isinstance(event, int):
            listening.work(event)
            continue
        caller, samples = event
        piece = pcm(samples / FRAME, seed=seed)
        ears[caller].hear(piece)
        said[caller] += piece
    for ear, sound in zip(ears, said, strict=True):
        taken = ear.take()
        assert torch.equal(taken, encoded(encoder, sound) if sound else taken[:0])


def test_work_serves_so_many_at_a_time_and_each_in_its_turn(model: Csm) -> None:
    listening = Listening(make(model, slots=4), 4)
    ears = [begin(listening) for _ in range(4)]
    for ear, frames in zip(ears, (9, 2, 1.5, 0.5), strict=True):
        ear.hear(pcm(frames))
    waiting = []
    while listening.work(2):
        waiting.append([ear.waiting for ear in ears])
    # Two steps of two callers, of as many frames as the fewer; then the first alone, by four.
    assert waiting == [[7, 0, 1, 0], [6, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]]


def test_one_who_talks_much_does_not_keep_others_waiting(model: Csm) -> None:
    listening = Listening(make(model), 3)
    ears = [begin(listening) for _ in range(3)]
    ears[0].hear(pcm(40))
    for ear in ears[1:]:
        ear.hear(pcm(1))
    for _ in range(3):
        assert listening.work(1)
    assert [ear.waiting for ear in ears] == [36, 0, 0]


def test_no_slot_is_told_and_one_that_was_given_back_is_clean(model: Csm) -> None:
    listening = Listening(encoder := make(model, slots=2), 1)
    first = begin(listening, 16_000)
    assert listening.begin(RATE) is None
    first.hear(pcm(5.5, rate=16_000))
    listening.work(1)
    first.close()
    first.close()
    second = begin(listening)
    assert listening.begin(RATE) is None
    assert not listening.work(1), "nobody hears what the first one left"
    sound = pcm(3, seed=2)
    second.hear(sound)
    assert torch.equal(second.take(), encoded(encoder, sound))


def test_more_than_twenty_seconds_are_forgotten_from_the_oldest(model: Csm) -> None:
    listening = Listening(encoder := make(model, max_frames=25), 1)
    ear = begin(listening)
    sound = pcm(KEPT + 6.5)
    for start in range(0, len(sound), 10 * FRAME):
        ear.hear(sound[start : start + 10 * FRAME])
        listening.work(1)
    assert torch.equal(ear.take(), encoded(encoder, sound)[-KEPT:])


def test_one_who_is_not_served_for_twenty_seconds_begins_anew_where_they_begin(model: Csm) -> None:
    listening = Listening(encoder := make(model, max_frames=25), 1)
    ear = begin(listening)
    ear.hear(pcm(3, seed=1))
    listening.work(1)
    sound = pcm(KEPT + 7, seed=2)
    for start in range(0, len(sound), 20 * FRAME):
        ear.hear(sound[start : start + 20 * FRAME])
    assert ear.waiting <= KEPT
    taken = ear.take()
    held = sound[-len(taken) * 2 * FRAME :]
    assert len(taken) > KEPT - 10
    assert torch.equal(taken, encoded(encoder, held))


def test_there_are_as_many_ears_as_slots(model: Csm) -> None:
    with pytest.raises(ValueError, match="4 callers: the encoder has 3 slots"):
        Listening(make(model), 4)


def test_who_found_no_ear_has_one_at_a_later_turn(model: Csm) -> None:
    talks = Talks(batch(model).contexts, Listening(make(model), 1))
    first, second = (talk(remembers="sounds") for _ in range(2))
    for each in (first, second):
        talks.hear(each, pcm(5))
    talks.close(first)
    for heard in (0, 5):
        talks.hear(second, pcm(5, rate=16_000))
        talks.append(Append(second, "caller", "Hm."))
        # Each turn's end is a frame of its own.
        assert len(talks.context(second).unread.codes) == heard + (heard > 0)
