"""A step asks the host nothing, and a GPU for little."""

from typing import Any

import pytest
import torch

from csm_engine.csm import census
from csm_engine.csm.config import config_from
from csm_engine.csm.fields import Fields
from csm_engine.csm.folding import with_8_bits, with_projections
from csm_engine.csm.frame_step import FrameStep, Slots
from csm_engine.csm.model import Csm
from csm_engine.csm.paged_kv import PagedKV
from csm_engine.csm.prompt import Prompter
from csm_engine.csm.synthetic import CSM_1B, TINY, make_tokenizer
from csm_engine.csm.weights import assemble
from csm_engine.kernels.ops import Ops
from csm_engine.kernels.plain import TorchOps
from tests.csm_tts.interpreted import apart
from tests.csm_tts.operations import Operations

pytestmark = pytest.mark.engine


def test_a_step_reads_nothing_back() -> None:
    """On `meta`, where nothing can be read: any look at a number raises as well."""
    step = step_of(csm("meta", TINY, TorchOps()))
    with Operations("meta") as operations:
        step.run()
    assert operations.counts.total() > 1000


def test_a_read_would_be_seen() -> None:
    number = torch.ones(1)
    with pytest.raises(AssertionError, match="_local_scalar_dense"), Operations("cpu"):
        bool(number > 0)


def csm(device: str, values: dict[str, Any], ops: Ops, dtype: torch.dtype = torch.float32) -> Csm:
    """A model of shapes only."""
    config = config_from(Fields(values, "config"))
    shapes = census.tensors(config)
    weights = assemble(
        lambda name: torch.empty(shapes[name], device=device),
        shapes.keys(),
        config,
        dtype=dtype,
        device=device,
    )
    return Csm.of(config, weights, Prompter(config, make_tokenizer(config)), ops=ops)


def step_of(model: Csm, rows: int = 4) -> FrameStep:
    kv = PagedKV(model.config.backbone, pages=64, dtype=model.dtype, device=model.device)
    return FrameStep(model, Slots(model, kv, rows), rows)


@pytest.mark.timeout(180)
@apart
def test_the_kernels_of_a_frame() -> None:
    """Counted, not measured: launches for CSM-1B, its kernels compiled for an A100.

    A kernel that PyTorch starts several of for one operation counts once.
    """
    from csm_engine.kernels.fused import FusedOps  # noqa: PLC0415 - Triton's, there
    from tests.csm_tts.kernel_device import Launches  # noqa: PLC0415

    launches = Launches(80, shared=163 << 10)
    model = csm("meta", CSM_1B, FusedOps(), torch.bfloat16)
    table = with_projections(model.weights, model.config)
    counted = []
    for weights in (model.weights, table, with_8_bits(table)):
        launches.counts.clear()
        step = step_of(Csm.of(model.config, weights, model.prompter, ops=model.ops))
        with Operations("meta") as operations:
            step.run()
        counted.append((operations.counts.total(), launches.counts.total()))
    layers = 16 + 31 * 4
    matrices = 4 * layers + 32 + 1
    assert launches.counts["look"] == launches.counts["gated"] == layers
    assert launches.counts["pick"] == 32
    plain, with_table, with_bits = counted
    gathers = 8 + 1  # the slots' values, and the depth decoder's opening
    assert plain == (matrices + gathers, 4 * layers + 32 + 32 + 1)
    assert with_table == (plain[0] - 30, plain[1] - 30)
    assert sum(with_bits) == sum(with_table)


@pytest.mark.timeout(180)
@apart
def test_a_hopper_takes_them_too() -> None:
    from csm_engine.kernels.fused import FusedOps  # noqa: PLC0415 - Triton's, there
    from tests.csm_tts.kernel_device import Launches  # noqa: PLC0415

    launches = Launches(90, shared=227 << 10)
    model = csm("meta", CSM_1B, FusedOps(), torch.bfloat16)
    weights = with_8_bits(model.weights)
    step_of(Csm.of(model.config, weights, model.prompter, ops=model.ops)).run()
    assert set(launches.counts) == {"add_norm", "close", "gated", "look", "pick", "product"}


def test_the_reference_asks_much_more() -> None:
    step = step_of(csm("meta", CSM_1B, TorchOps(), torch.bfloat16))
    with Operations("meta") as operations:
        step.run()
    assert operations.counts.total() > 7 * 1227
