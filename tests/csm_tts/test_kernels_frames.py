"""Frames made by kernels, from a table, from 8 bits: as far from the reference as each may be."""

from functools import cache
from pathlib import Path

import pytest
import torch

from csm_engine.csm.folding import with_8_bits, with_projections
from csm_engine.csm.model import Csm
from csm_engine.csm.sampler import Sampling
from csm_engine.csm.synthetic import TINY, random_model, write_tiny
from csm_engine.csm.weights import Weights
from csm_engine.kernels.gate import Distance, distance
from csm_engine.kernels.int8 import Int8
from csm_engine.kernels.ops import Ops
from csm_engine.kernels.plain import TorchOps
from tests.csm_tts.csm_rows import Rows, alone, text_prompt
from tests.csm_tts.interpreted import interpreted

pytestmark = pytest.mark.engine

SAMPLINGS = [Sampling(0, 0), Sampling(0.9, 50, seed=2**40 + 5), Sampling(1.2, 3, 7, min_frames=1)]


def fused() -> Ops:
    from csm_engine.kernels.fused import FusedOps  # noqa: PLC0415 - there, not here

    return FusedOps()


@cache
def tiny(dtype: torch.dtype = torch.float32) -> Csm:
    torch.set_num_threads(1)
    return random_model(TINY, seed=1, dtype=dtype)


def other(model: Csm, ops: Ops | None = None, weights: Weights | None = None) -> Csm:
    """The same model in another form."""
    return Csm.of(model.config, weights or model.weights, model.prompter, ops=ops or TorchOps())


def apart(one: Csm, another: Csm, count: int) -> Distance:
    """After a prompt that ends just before a page does, over the frames of a sampled utterance."""
    prompt = text_prompt(one.config, 62)
    rows = Rows(one)
    rows.begin(0, prompt, SAMPLINGS[1])
    return distance(one, another, prompt, rows.frames(count, 0)[0])


@interpreted
def test_kernels_score_as_the_reference_does() -> None:
    model = tiny()
    found = apart(model, other(model, fused()), 3)
    assert found.spread.min() > 0.5, "scores that are all alike prove little"
    assert 0 < found.largest.max() < 1e-4
    assert found.agreed.min() == 1
    narrow = with_8_bits(folded(model))
    found = apart(other(model, weights=narrow), other(model, fused(), narrow), 1)
    assert 0 < found.largest.max() < 1e-4


@interpreted
def test_kernels_score_in_bfloat16_about_as_the_reference_does() -> None:
    """No further from float32 than PyTorch in bfloat16 is, the interpreter's cut besides."""
    exact, narrow = tiny(), tiny(torch.bfloat16)
    weights = narrow.weights
    ours = apart(exact, other(narrow, fused(), weights), 3)
    theirs = apart(exact, narrow, 3)
    assert ours.mean.mean() < 1.5 * theirs.mean.mean()


@interpreted
def test_kernels_say_what_the_reference_says() -> None:
    model = tiny()
    said = []
    for form in (model, other(model, fused()), other(model, fused(), folded(model))):
        rows = Rows(form, width=3)
        for slot, sampling in enumerate(SAMPLINGS):
            rows.begin(slot, text_prompt(model.config, 14 + slot), sampling)
        said.append(rows.frames(2, 0, 1, 2))
    assert torch.equal(said[1], said[0])
    assert torch.equal(said[2], said[0])


def folded(model: Csm) -> Weights:
    return with_projections(model.weights, model.config)


def test_a_folder_is_loaded_in_the_form_asked_for(tmp_path: Path) -> None:
    write_tiny(tmp_path, seed=1)
    model = Csm.load(tmp_path, depth_table=True, depth_bits=8)
    depth = model.weights.depth
    assert depth.projections is not None
    assert all(isinstance(layer.gate_up, Int8) for layer in depth.layers)
    assert not any(isinstance(layer.gate_up, Int8) for layer in model.weights.backbone.layers)
    assert len(set(alone(model, text_prompt(model.config, 9), 5).flatten().tolist())) > 10


def test_a_table_of_first_projections_changes_nothing() -> None:
    model = tiny()
    found = apart(model, other(model, weights=folded(model)), 12)
    assert found.largest.max() < 1e-4
    assert found.agreed.min() == 1


def test_8_bits_cost_little() -> None:
    model = tiny()
    found = apart(model, other(model, weights=with_8_bits(model.weights)), 12)
    assert found.largest[0] == 0, "codebook 0 is the backbone's, which keeps its 16 bits"
    assert 0 < (found.mean[1:] / found.spread[1:]).max() < 0.03
