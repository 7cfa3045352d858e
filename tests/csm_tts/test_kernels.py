"""Each kernel gives what PyTorch's operations give."""

import pytest
import torch
from torch import Tensor

from csm_engine.csm.config import CsmConfig, Transformer, config_from
from csm_engine.csm.fields import Fields
from csm_engine.csm.rope import RotaryTable
from csm_engine.csm.synthetic import TINY
from csm_engine.kernels.int8 import Int8
from csm_engine.kernels.ops import After, Draw, Ops
from csm_engine.kernels.plain import TorchOps
from tests.csm_tts.interpreted import interpreted

pytestmark = pytest.mark.engine

CONFIG = config_from(Fields(TINY, "tiny"))
STEPS = {torch.float32: 2.0**-23, torch.bfloat16: 2.0**-7, torch.float16: 2.0**-10}
"""From a number to the next, at most, as a part of it."""


def fused() -> Ops:
    from csm_engine.kernels.fused import FusedOps  # noqa: PLC0415 - there, not here

    return FusedOps()


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def agree(one: Tensor, other: Tensor) -> None:
    """Within a few roundings of their kind."""
    assert one.dtype == other.dtype
    # The interpreter cuts bfloat16 where a device rounds it.
    near = STEPS[one.dtype] * (16 if one.dtype == torch.float32 else 3)
    torch.testing.assert_close(one, other, rtol=near, atol=near)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 1, 64), (3, 2, 100), (2, 1, 1)])
@interpreted
def test_sums_and_norms(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    states, more = noise(*shape, dtype=dtype), noise(*shape, seed=1, dtype=dtype)
    weight = noise(shape[-1], seed=2, dtype=dtype)
    agree(fused().norm(states, weight, 1e-5), TorchOps().norm(states, weight, 1e-5))
    ours = fused().add_norm(states, more, weight, 1e-5)
    for one, other in zip(ours, TorchOps().add_norm(states, more, weight, 1e-5), strict=True):
        agree(one, other)


@interpreted
def test_a_norm_of_large_and_of_small_numbers_loses_nothing() -> None:
    states = torch.stack((noise(1000) * 3e4, noise(1000) * 1e-6)).to(torch.bfloat16)
    weight = torch.ones(1000, dtype=torch.bfloat16)
    agree(fused().norm(states, weight, 1e-5), TorchOps().norm(states, weight, 1e-5))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("inner", [1, 1500])
@interpreted
def test_gates(inner: int, dtype: torch.dtype) -> None:
    gate_up = 20 * noise(2, 1, 2 * inner, dtype=dtype)
    ours, theirs = fused().gated(gate_up), TorchOps().gated(gate_up.float()).to(dtype)
    agree(ours, theirs)


# Of bfloat16 the interpreter knows no products.
@pytest.mark.parametrize("rows", [1, 17])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@interpreted
def test_products_with_8_bits(rows: int, dtype: torch.dtype) -> None:
    weight = Int8.of(noise(50, 150, seed=1))
    states = noise(rows, 1, 150, dtype=dtype) / 150**0.5
    wide = TorchOps().linear(states.float(), weight).to(dtype)
    agree(fused().linear(states, weight), wide)
    alone = fused().linear(states[:1], weight)
    assert torch.equal(alone, fused().linear(states, weight)[:1])


def projections(config: Transformer, rows: int, tokens: int, dtype: torch.dtype) -> Tensor:
    width = (config.num_attention_heads + 2 * config.num_key_value_heads) * config.head_dim
    return noise(rows, tokens, width, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("tokens", [1, 2])
@pytest.mark.parametrize("page_size", [7, 16])
@interpreted
def test_looks_over_pages(page_size: int, tokens: int, dtype: torch.dtype) -> None:
    """Rows of other lengths, their pages in any order; one at the edge of a page, one at 0."""
    from csm_engine.kernels.look import look  # noqa: PLC0415 - there, not here

    config = CONFIG.backbone
    starts = [0, page_size - 1, page_size, 3 * page_size + 2, 98]
    pages = -(-100 // page_size)
    order = torch.randperm(len(starts) * pages, generator=torch.Generator().manual_seed(5)) + 1
    table = order.view(len(starts), pages).to(torch.int32)
    positions = torch.tensor(starts)[:, None] + torch.arange(tokens)
    pool = (len(starts) * pages + 1, page_size, config.num_key_value_heads, config.head_dim)
    kept = noise(*pool, seed=3, dtype=dtype), noise(*pool, seed=4, dtype=dtype)
    qkv = projections(config, len(starts), tokens, dtype)
    rotary = RotaryTable(config, "cpu")
    keys, values = (pool.clone() for pool in kept)
    over = TorchOps().over_pages(table, positions, page_size, rotary, config)
    expected = over(qkv, keys, values), keys, values
    keys, values = (pool.clone() for pool in kept)
    turns = rotary.turns
    seen = look(qkv, keys, values, table=table, positions=positions, turns=turns, config=config)
    for one, other in zip((seen, keys, values), expected, strict=True):
        agree(one, other)


@interpreted
def test_what_a_row_sees_depends_on_its_own_pages_alone() -> None:
    config, page_size = CONFIG.backbone, 16
    table = torch.tensor([[1, 2], [3, 4]], dtype=torch.int32)
    positions = torch.tensor([[20], [9]])
    qkv = projections(config, 2, 1, torch.float32)
    rotary = RotaryTable(config, "cpu")
    seen = []
    for rows in (slice(0, 2), slice(0, 1)):
        keys, values = (
            noise(5, page_size, config.num_key_value_heads, config.head_dim, seed=seed)
            for seed in (3, 4)
        )
        # The worst that can lie where a row does not look.
        for pool in (keys, values):
            pool[2, 5:] = torch.nan
            pool[0] = torch.nan
        look = fused().over_pages(table[rows], positions[rows], page_size, rotary, config)
        seen.append(look(qkv[rows], keys, values)[0])
    assert torch.isfinite(seen[0]).all()
    assert torch.equal(*seen)


def draw(rows: int) -> Draw:
    random = torch.Generator().manual_seed(rows)
    ones = torch.ones(rows, dtype=torch.long)
    return Draw(
        temperature=torch.tensor([0.0, 0.9, 0.6, 1.5])[torch.arange(rows) % 4],
        top_k=torch.tensor([0, 50, 5, 1, 256, 3, 0])[torch.arange(rows) % 7],
        seeds=torch.randint(0, 2**63 - 1, (rows,), generator=random),
        frames=torch.arange(rows) * 977,
        min_frames=2 * ones,
    )


@pytest.mark.parametrize(
    ("count", "dtype"),
    [(3, torch.float32), (67, torch.float32), (64, torch.bfloat16), (2048, torch.bfloat16)],
)
@interpreted
def test_picks(count: int, dtype: torch.dtype) -> None:
    """Codes bit for bit; in bfloat16 many scores tie."""
    config = config_of(count)
    rows = 9
    table, other = noise(count, 20, seed=1), noise(count, 33, seed=2)
    ours, theirs = (ops.picker(draw(rows), config) for ops in (fused(), TorchOps()))
    for codebook in (0, 1, 5):
        scores = (3 * noise(rows, count, seed=codebook)).to(dtype)
        tables = (table, other)[: codebook % 4]
        for entry, wanted in zip(
            ours(scores, codebook, *tables), theirs(scores, codebook, *tables), strict=True
        ):
            assert torch.equal(entry, wanted)
        assert torch.equal(ours.codes[:, codebook], theirs.codes[:, codebook])


@interpreted
def test_scores_that_tie_with_the_last_kept_stay_and_an_end_waits() -> None:
    config, rows = config_of(4), 32
    scores = torch.tensor([2.0, 1.0, -0.0, 0.0]).repeat(rows, 1)
    ones = torch.ones(rows, dtype=torch.long)
    same = Draw(ones.float(), 2 * ones, torch.arange(rows), ones, 0 * ones)
    early = Draw(ones.float(), 2 * ones, torch.arange(rows), ones, 2 * ones)
    for drawn, codes in ((same, {0, 1}), (early, {1, 2, 3})):
        ours, theirs = (ops.picker(drawn, config) for ops in (fused(), TorchOps()))
        ours(scores, 0)
        theirs(scores, 0)
        assert set(ours.codes[:, 0].tolist()) == codes
        assert torch.equal(ours.codes[:, 0], theirs.codes[:, 0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@interpreted
def test_closes_a_step(dtype: torch.dtype) -> None:
    """A frame, an end, two rows of padding; a slot that has no part in it."""
    codes = torch.tensor([[0, 0, 3], [0, 0, 5], [9, 0, 0], [9, 0, 0]])
    codes[0, 1] = 7
    embedding = noise(3 * 12, 20, dtype=dtype)
    left = []
    for ops in (fused(), TorchOps()):
        after = After(
            rows=torch.tensor([2, 0, 3, 3]),
            padding=3,
            embedding=embedding,
            vocab_size=12,
            eos=0,
            inputs=noise(4, 20, seed=1, dtype=dtype),
            positions=torch.tensor([5, 6, 7, 0]),
            frames=torch.tensor([1, 2, 3, 0]),
            result=torch.full((4, 4), -1, dtype=torch.int32),
        )
        ops.close(codes, after)
        left.append(after)
    ours, theirs = left
    assert ours.result[:, -1].tolist() == [0, 1, 0, 0]
    for name in ("result", "positions", "frames"):
        assert torch.equal(getattr(ours, name), getattr(theirs, name))
    agree(ours.inputs, theirs.inputs)


def config_of(codes: int) -> CsmConfig:
    values = {**TINY, "vocab_size": codes + 3}
    values["depth_decoder_config"] = {**TINY["depth_decoder_config"], "vocab_size": codes + 3}
    values["codec_config"] = {**TINY["codec_config"], "codebook_size": codes}
    return config_from(Fields(values, "tiny"))
