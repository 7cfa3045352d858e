"""Streaming encode against transformers' encode of the whole."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from csm_engine.csm.mimi.encoder import MimiEncoder
from tests.csm_tts.mimi_reference import Reference, frames_that_differ, narrow, tiny

pytestmark = pytest.mark.engine

TIES = 0.01
"""Frames in which rounding may decide; a clip of fewer than 100 must be equal."""

FRAME = tiny().config.frame_size


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(3)
    yield
    torch.set_num_threads(threads)


def make(reference: Reference, *, slots: int = 3, max_frames: int = 4) -> MimiEncoder:
    return MimiEncoder(reference.config, reference.weights, slots=slots, max_frames=max_frames)


@pytest.mark.parametrize(
    "samples", [1, 2, 5, FRAME // 2, FRAME - 1, FRAME, FRAME + 1, 7 * FRAME, 30 * FRAME + 29]
)
def test_a_clip_of_any_length_is_encoded_as_transformers_does(samples: int) -> None:
    reference = tiny()
    clip = torch.randn(samples)
    got = make(reference).encode(clip)
    assert got.shape[1] == -(-samples // FRAME)
    assert torch.equal(got, reference.encode(clip))


def test_a_clip_beyond_mimis_window_is_encoded_as_transformers_does() -> None:
    reference = narrow()
    clip = torch.randn(300 * reference.config.frame_size + 5)
    got = make(reference).encode(clip)
    assert frames_that_differ(got, reference.encode(clip)) <= TIES


def test_streams_at_phases_of_their_own_are_each_the_whole() -> None:
    reference = tiny()
    encoder = make(reference)
    clips = torch.randn(3, 1, 20 * FRAME)
    wanted = [reference.encode(clip[0]) for clip in clips]
    got: list[list[Tensor]] = [[], [], []]
    at = [0, 0, 0]
    for slots in ([2], [0, 2], [2, 0, 1], [1, 2]) * 3:
        rows = [clips[slot, :, at[slot] : at[slot] + FRAME] for slot in slots]
        codes = encoder.step(torch.stack(rows), torch.tensor(slots))
        for row, slot in enumerate(slots):
            got[slot].append(codes[row])
            at[slot] += FRAME
    for slot, frames in enumerate(got):
        assert torch.equal(torch.cat(frames, 1), wanted[slot][:, : len(frames)])


def test_a_reset_leaves_other_streams_bit_equal() -> None:
    reference = tiny()
    sound, slots = torch.randn(12, 2, 1, FRAME), torch.tensor([0, 2])
    undisturbed, disturbed = make(reference), make(reference)
    for index, frame in enumerate(sound):
        if index == 6:
            disturbed.reset(slots[1:])
        wanted, got = undisturbed.step(frame, slots), disturbed.step(frame, slots)
        assert torch.equal(got[0], wanted[0])


def test_a_whole_clip_leaves_the_slots_alone() -> None:
    reference = tiny()
    clip, other = torch.randn(6 * FRAME), torch.randn(9 * FRAME)
    encoder, slots = make(reference), torch.tensor([0])
    got = []
    for half in torch.split(clip, 3 * FRAME):
        got.append(encoder.step(half[None, None], slots)[0])
        encoder.encode(other)
    assert torch.equal(torch.cat(got, 1), reference.encode(clip))


def test_silence_is_what_long_silence_ends_in() -> None:
    reference = tiny()
    wanted = reference.encode(torch.zeros(40 * FRAME))
    assert torch.equal(make(reference).silence(), wanted[:, -1])


@pytest.mark.parametrize(
    ("pcm", "slots", "error"),
    [
        (torch.zeros(1, FRAME), [0], r"must be \[streams, 1, samples\]"),
        (torch.zeros(1, 2, FRAME), [0], r"must be \[streams, 1, samples\]"),
        (torch.zeros(1, 1, 0), [0], "a step of 0 samples"),
        (torch.zeros(1, 1, 4 * FRAME + 1), [0], f"give 1 to {4 * FRAME}"),
        (torch.zeros(2, 1, FRAME), [0], "one a row"),
        (torch.zeros(1, 1, FRAME), [7], r"slots \[7\] do not exist: there are 0 to 2"),
        (torch.zeros(2, 1, FRAME), [1, 1], "a stream twice"),
        (torch.zeros(1, 1, FRAME, dtype=torch.int16), [0], "from_int16"),
        (torch.full((1, 1, FRAME), torch.nan), [0], "not finite"),
    ],
)
def test_what_cannot_be_encoded_is_named(pcm: Tensor, slots: list[int], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        make(tiny()).check(pcm, torch.tensor(slots))


@pytest.mark.parametrize(
    ("clip", "error"),
    [
        (torch.zeros(0), "the clip is empty"),
        (torch.zeros(2, FRAME), "mix it to mono"),
        (torch.zeros(FRAME, dtype=torch.int16), "from_int16"),
        (torch.tensor([0.0, torch.inf]), "not finite"),
    ],
)
def test_what_is_no_clip_is_named(clip: Tensor, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        make(tiny()).encode(clip)
