"""How an utterance ends, and which codes are never said."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from csm_engine.csm import census
from csm_engine.csm.model import Csm
from csm_engine.csm.philox import gumbel
from csm_engine.csm.sampler import Sampling
from csm_engine.csm.synthetic import write_tiny
from csm_engine.kernels.plain import ended
from tests.csm_tts.csm_rows import Rows, alone, generated, oracle, text_prompt

pytestmark = pytest.mark.engine

WEIGHTS = "model.safetensors"


def changed(folder: Path, changes: dict[str, Tensor]) -> Csm:
    """A tiny model whose heads were set by hand."""
    torch.set_num_threads(1)
    write_tiny(folder)
    tensors = load_file(folder / WEIGHTS)
    save_file({**tensors, **changes}, folder / WEIGHTS, metadata={"format": "pt"})
    return Csm.load(folder)


def all_zero(folder: Path) -> dict[str, Tensor]:
    """Heads that score every code alike, so that the first is taken; but not in the last one."""
    write_tiny(folder)
    tensors = load_file(folder / WEIGHTS)
    heads = torch.zeros_like(tensors[census.DEPTH_HEADS])
    # One of two opposite columns is above 0 for any state.
    heads[-1, :, 5], heads[-1, :, 6] = 1.0, -1.0
    return {census.BACKBONE_HEAD: torch.zeros(67, 64), census.DEPTH_HEADS: heads}


def test_zeros_in_all_codebooks_but_the_last_end_an_utterance(tmp_path: Path) -> None:
    model = changed(tmp_path, all_zero(tmp_path))
    rows = Rows(model)
    rows.begin(0, text_prompt(model.config, 6))
    frame = rows.step(0)[0]
    assert frame[:7].tolist() == [0] * 7
    assert int(frame[7]) in {5, 6}
    assert frame[8] == 1
    ids = text_prompt(model.config, 6).ids[None]
    assert len(generated(oracle(tmp_path), model.config, 20, input_ids=ids)) == 1


def test_an_end_comes_no_earlier_than_it_may(tmp_path: Path) -> None:
    model = changed(tmp_path, all_zero(tmp_path))
    rows = Rows(model)
    for slot, frames in enumerate((0, 1, 4)):
        rows.begin(slot, text_prompt(model.config, 6), Sampling(0, 0, min_frames=frames))
    said = torch.stack([rows.step(0, 1, 2) for _ in range(6)], dim=1)
    assert said[:, :, -1].tolist() == [[1] * 6, [0] + [1] * 5, [0] * 4 + [1] * 2]
    assert (said[2, :4, 0] == 1).all(), "the next code that scores as much"


def test_each_code_of_each_frame_draws_a_number_of_its_own(tmp_path: Path) -> None:
    write_tiny(tmp_path)
    heads = torch.zeros_like(load_file(tmp_path / WEIGHTS)[census.DEPTH_HEADS])
    model = changed(
        tmp_path, {census.BACKBONE_HEAD: torch.zeros(67, 64), census.DEPTH_HEADS: heads}
    )
    # Where all codes score alike, the noise alone decides.
    said = alone(model, text_prompt(model.config, 6), 5, Sampling(0.7, 0, seed=2**40 + 5))
    noise = gumbel(torch.full((5,), 2**40 + 5), torch.arange(5), 8, 64)
    assert torch.equal(said, noise.argmax(-1))


def test_one_code_that_is_not_zero_is_sound() -> None:
    frames = torch.zeros(9, 8, dtype=torch.long)
    for row in range(8):
        frames[row, row] = 1
    assert ended(frames, eos=0).tolist() == [False] * 7 + [True, True]


@pytest.mark.parametrize("sampling", [Sampling(0, 0), Sampling(5.0, 0, 3), Sampling(0.9, 50, 4)])
def test_codes_that_the_codec_lacks_are_never_said(tmp_path: Path, sampling: Sampling) -> None:
    write_tiny(tmp_path)
    tensors = load_file(tmp_path / WEIGHTS)
    head, heads = tensors[census.BACKBONE_HEAD], tensors[census.DEPTH_HEADS]
    # Two opposite codes out of range, so large that one of them always wins.
    head[64], head[66] = 9.0, -9.0
    heads[:, :, 64], heads[:, :, 66] = 9.0, -9.0
    model = changed(tmp_path, {census.BACKBONE_HEAD: head, census.DEPTH_HEADS: heads})
    prompt = text_prompt(model.config, 6)
    said = alone(model, prompt, 12, sampling)
    assert said.min() >= 0
    assert said.max() < model.config.codebook_size
    if sampling.temperature == 0:
        reference = oracle(tmp_path)
        assert torch.equal(said, generated(reference, model.config, 12, input_ids=prompt.ids[None]))
