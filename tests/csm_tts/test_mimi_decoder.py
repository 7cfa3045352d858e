"""Streaming decode against transformers' decode of the whole."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from csm_engine.csm.mimi.decoder import MimiDecoder
from csm_engine.csm.mimi.encoder import MimiEncoder
from tests.csm_tts.mimi_reference import Reference, narrow, relative_error, tiny

pytestmark = pytest.mark.engine

EXACT = 1e-5
SLOTS = 3


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    yield
    torch.set_num_threads(threads)


def make(reference: Reference, *, slots: int = SLOTS, max_frames: int = 5) -> MimiDecoder:
    return MimiDecoder(reference.config, reference.weights, slots=slots, max_frames=max_frames)


def in_chunks(decoder: MimiDecoder, codes: Tensor, slots: Tensor, chunk: int) -> Tensor:
    pieces = torch.split(codes, chunk, -1)
    return torch.cat([decoder.step(piece, slots) for piece in pieces], -1)


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_chunks_of_any_length_are_the_whole(chunk: int) -> None:
    reference = tiny()
    codes = reference.codes(2, 40)
    got = in_chunks(make(reference), codes, torch.tensor([2, 0]), chunk)
    assert got.shape == (2, 1, 40 * reference.config.frame_size)
    assert relative_error(got, reference.decode(codes)) < EXACT


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_chunks_are_the_whole_beyond_mimis_window(chunk: int) -> None:
    reference = narrow()
    codes = reference.codes(1, 300)
    got = in_chunks(make(reference, slots=1), codes, torch.tensor([0]), chunk)
    assert relative_error(got, reference.decode(codes)) < EXACT


Step = tuple[list[int], int, list[int]]
"""Slots in the batch, frames, slots reset before."""

steps = st.lists(
    st.tuples(
        st.lists(st.integers(0, SLOTS - 1), min_size=1, max_size=SLOTS, unique=True),
        st.integers(1, 3),
        st.lists(st.integers(0, SLOTS - 1), max_size=1),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_streams_at_phases_of_their_own_are_each_the_whole(plan: list[Step]) -> None:
    reference = tiny()
    decoder = make(reference, max_frames=3)
    codes = reference.codes(SLOTS, 36)
    whole = reference.decode(codes)
    size = reference.config.frame_size
    at = [0] * SLOTS
    for slots, frames, begins in plan:
        if begins:
            decoder.reset(torch.tensor(begins))
        for slot in begins:
            at[slot] = 0
        rows = [codes[slot, :, at[slot] : at[slot] + frames] for slot in slots]
        got = decoder.step(torch.stack(rows), torch.tensor(slots))
        for row, slot in enumerate(slots):
            wanted = whole[slot, :, at[slot] * size : (at[slot] + frames) * size]
            assert relative_error(got[row], wanted) < EXACT
            at[slot] += frames


def test_a_reset_leaves_other_streams_bit_equal() -> None:
    reference = tiny()
    codes, slots = reference.codes(SLOTS, 20), torch.arange(SLOTS)
    undisturbed, disturbed = make(reference), make(reference)
    for frame in range(20):
        if frame == 11:
            disturbed.reset(torch.tensor([1]))
        wanted = undisturbed.step(codes[..., frame : frame + 1], slots)
        got = disturbed.step(codes[..., frame : frame + 1], slots)
        assert torch.equal(got[[0, 2]], wanted[[0, 2]])
        assert torch.equal(got[1], wanted[1]) == (frame < 11)


def test_a_broken_stream_does_not_reach_the_next_one_in_its_slot() -> None:
    reference = tiny()
    broken, sound = reference.codes(1, 3), reference.codes(1, 3)
    broken[0, 0, 1], sound[0, 0] = 5, 6
    name = "quantizer.semantic_residual_vector_quantizer.layers.0.codebook.embed_sum"
    centroids = reference.weights[name].clone()
    centroids[5] = torch.nan
    decoder = MimiDecoder(reference.config, reference.weights | {name: centroids}, slots=1)
    slots = torch.tensor([0])
    assert decoder.step(broken, slots).isnan().any()
    decoder.reset(slots)
    assert relative_error(decoder.step(sound, slots), reference.decode(sound)) < EXACT


def test_rows_that_fill_a_batch_change_nothing() -> None:
    reference = tiny()
    codes = reference.codes(4, 12)
    decoder = make(reference)
    padding = decoder.padding_slot
    got = in_chunks(decoder, codes, torch.tensor([padding, 1, padding, padding]), 2)
    assert relative_error(got[1:2], reference.decode(codes[1:2])) < EXACT


def test_a_copied_stream_goes_on_where_the_other_was() -> None:
    reference = tiny()
    codes = reference.codes(1, 20)
    decoder = make(reference)
    in_chunks(decoder, codes[..., :9], torch.tensor([0]), 3)
    decoder.step(reference.codes(1, 2), torch.tensor([2]))
    decoder.copy(torch.tensor([0, 0]), torch.tensor([1, 2]))
    got = in_chunks(decoder, codes[..., 9:].expand(3, -1, -1), torch.arange(3), 1)
    wanted = reference.decode(codes)[..., 9 * reference.config.frame_size :]
    assert relative_error(got, wanted.expand(3, -1, -1)) < EXACT


def test_silence_after_the_end_is_decoded_with_the_stream() -> None:
    reference = tiny()
    codes, slots = reference.codes(2, 6), torch.tensor([0, 1])
    silence = MimiEncoder(reference.config, reference.weights, slots=1).silence()
    decoder = make(reference)
    got = torch.cat([decoder.step(codes[..., :5], slots), decoder.flush(slots, silence, 2)], -1)
    ended = torch.cat([codes[..., :5], silence[None, :, None].expand(2, -1, 2)], -1)
    assert relative_error(got, reference.decode(ended)) < EXACT


class Operations(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def test_a_step_reads_nothing_back() -> None:
    """A CUDA graph could not."""
    reference = tiny()
    decoder = make(reference)
    with Operations() as operations:
        decoder.step(reference.codes(2, 2), torch.tensor([1, decoder.padding_slot]))
        decoder.reset(torch.tensor([1]))
        decoder.copy(torch.tensor([1]), torch.tensor([0]))
    reading = {"_local_scalar_dense", "item", "nonzero", "is_nonzero", "equal", "masked_select"}
    assert operations.names
    assert not reading & set(operations.names)


def test_codes_that_mimi_lacks_are_held_to_the_last() -> None:
    reference = tiny()
    codes = reference.codes(1, 3)
    last = reference.config.codebook_size - 1
    wild = codes.clone()
    wild[0, 2, 1], codes[0, 2, 1] = last + 3, last
    slots = torch.tensor([0])
    assert torch.equal(make(reference).step(wild, slots), make(reference).step(codes, slots))


def wrong_codes(reference: Reference) -> dict[str, tuple[Tensor, list[int]]]:
    good = reference.codes(2, 2)
    books, most = reference.config.num_quantizers, reference.config.codebook_size - 1
    return {
        f"must be .streams, {books} codebooks": (good[:, 1:], [0, 1]),
        r"must be \[streams": (good[0], [0, 1]),
        "a step of 0 frames": (good[..., :0], [0, 1]),
        "give 1 to 5": (reference.codes(2, 6), [0, 1]),
        "one a row": (good, [0]),
        "whole numbers": (good.float(), [0, 1]),
        f"Mimi's from 0 to {most}": (good + most, [0, 1]),
        "codes run from -": (good - most - 1, [0, 1]),
        r"slots \[4\] do not exist: there are 0 to 2": (good, [0, 4]),
        r"slots \[-1\] do not exist": (good, [0, -1]),
        "a stream twice": (good, [1, 1]),
    }


@pytest.mark.parametrize("error", wrong_codes(tiny()))
def test_what_cannot_be_decoded_is_named(error: str) -> None:
    codes, slots = wrong_codes(tiny())[error]
    with pytest.raises(ValueError, match=error):
        make(tiny()).check(codes, torch.tensor(slots))


def test_good_codes_pass() -> None:
    decoder = make(tiny())
    padding = decoder.padding_slot
    decoder.check(tiny().codes(3, 5), torch.tensor([2, padding, padding]))


def test_a_decoder_needs_slots_and_frames() -> None:
    with pytest.raises(ValueError, match="0 slots"):
        make(tiny(), slots=0)
    with pytest.raises(ValueError, match="max_frames is 0"):
        make(tiny(), max_frames=0)


def test_memory_of_a_stream_is_known() -> None:
    reference = tiny()
    one, two = make(reference, slots=1), make(reference, slots=2)
    assert one.bytes_per_slot == two.bytes_per_slot > 0
