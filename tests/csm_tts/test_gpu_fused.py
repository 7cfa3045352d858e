"""The kernels on a CUDA device: as near to PyTorch's own operations as their arithmetic allows."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from csm_engine.csm.folding import with_8_bits, with_projections
from csm_engine.csm.model import Csm
from csm_engine.csm.shapes import Json
from csm_engine.csm.synthetic import CSM_1B, TINY, random_model
from csm_engine.csm.weights import Backbone, Depth, Layer
from csm_engine.gpu.device import Cuda
from csm_engine.kernels.gate import Distance, distance
from csm_engine.kernels.plain import TorchOps
from tests.csm_tts.csm_rows import text_prompt
from tests.csm_tts.gpu_rows import Speaking, on_gpu

pytestmark = on_gpu

FRAMES = 6


@pytest.fixture(scope="module", autouse=True)
def inference() -> Iterator[None]:
    """And float32 products that are of float32."""
    Cuda()
    with torch.inference_mode():
        yield


def plain(model: Csm) -> Csm:
    return Csm.of(model.config, model.weights, model.prompter, ops=TorchOps())


def widened(thing: Any) -> Any:
    """The same numbers in float32."""
    match thing:
        case Tensor():
            return thing.float() if thing.is_floating_point() else thing
        case tuple():
            return tuple(map(widened, thing))
        case Backbone() | Depth() | Layer():
            known = {field.name: widened(getattr(thing, field.name)) for field in fields(thing)}
            return replace(thing, **known)
        case _:
            return thing


def exact(model: Csm) -> Csm:
    weights = model.weights
    wide = replace(weights, backbone=widened(weights.backbone), depth=widened(weights.depth))
    return Csm.of(model.config, wide, model.prompter, ops=TorchOps())


def apart(one: Csm, other: Csm) -> Distance:
    config = one.config
    random = torch.Generator().manual_seed(3)
    shape = FRAMES, config.num_codebooks
    frames = torch.randint(1, config.codebook_size, shape, generator=random)
    return distance(one, other, text_prompt(config, 70), frames)


@pytest.mark.parametrize("shape", [TINY, CSM_1B], ids=["tiny", "csm-1b"])
def test_in_float32_the_scores_are_the_same(shape: Json) -> None:
    model = random_model(shape, seed=1, device="cuda")
    found = apart(plain(model), model)
    assert (found.largest / found.spread).max() < 1e-3


@pytest.mark.parametrize("shape", [TINY, CSM_1B], ids=["tiny", "csm-1b"])
def test_in_bfloat16_they_are_no_further_from_the_truth_than_pytorchs_own(shape: Json) -> None:
    """The truth: the same weights in float32."""
    model = random_model(shape, seed=1, dtype=torch.bfloat16, device="cuda")
    truth = exact(model)
    ours = apart(truth, model)
    theirs = apart(truth, plain(model))
    assert (ours.mean.mean() / theirs.mean.mean()) < 1.5


def test_fused_frames_are_those_of_plain_operations_in_float32() -> None:
    model = random_model(TINY, seed=1, device="cuda")
    ours = Speaking(model, Cuda(), 4, captured=True).frames(8)
    assert torch.equal(ours, Speaking(plain(model), Cuda(), 4, captured=True).frames(8))


def test_a_table_and_8_bits_run_in_a_graph() -> None:
    model = random_model(TINY, seed=1, dtype=torch.bfloat16, device="cuda")
    folded = with_8_bits(with_projections(model.weights, model.config))
    narrow = Csm.of(model.config, folded, model.prompter)
    replayed = Speaking(narrow, Cuda(), 3, captured=True).frames(6)
    assert torch.equal(replayed, Speaking(narrow, Cuda(), 3, captured=False).frames(6))
    found = apart(plain(narrow), narrow)
    assert (found.mean / found.spread).max() < 0.1
