"""Kernels over a layer's states: residual sum with RMSNorm, and SwiGLU's gate. One row a program."""

import triton
import triton.language as tl
from torch import Tensor

from csm_engine.kernels.jit import jit, power_of_two


@jit()
def _add_norm(
    states: tl.tensor,
    more: tl.tensor,
    weight: tl.tensor,
    summed: tl.tensor,
    normed: tl.tensor,
    size: tl.tensor,
    eps: tl.tensor,
    ADD: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    column = tl.arange(0, BLOCK)
    inside = column < size
    here = tl.program_id(0).to(tl.int64) * size + column
    kind = normed.dtype.element_ty
    wide = tl.load(states + here, mask=inside, other=0.0).to(tl.float32)
    if ADD:
        wide += tl.load(more + here, mask=inside, other=0.0).to(tl.float32)
        # What the next layers add to is the rounded sum: so it is what is normed.
        wide = wide.to(kind)
        tl.store(summed + here, wide, mask=inside)
        wide = wide.to(tl.float32)
    scale = tl.rsqrt(tl.sum(wide * wide, 0) / size + eps)
    scaled = (wide * scale).to(kind).to(tl.float32)
    out = scaled * tl.load(weight + column, mask=inside, other=0.0).to(tl.float32)
    tl.store(normed + here, out.to(kind), mask=inside)


@jit()
def _gated(gate_up: tl.tensor, out: tl.tensor, size: tl.tensor, BLOCK: tl.constexpr) -> None:
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < size
    here = gate_up + row * 2 * size + column
    gate = tl.load(here, mask=inside, other=0.0).to(tl.float32)
    up = tl.load(here + size, mask=inside, other=0.0).to(tl.float32)
    product = gate / (1.0 + tl.exp(-gate)) * up
    tl.store(out + row * size + column, product.to(out.dtype.element_ty), mask=inside)


def norm(states: Tensor, weight: Tensor, eps: float) -> Tensor:
    """[..., hidden] → the same, normed."""
    states = states.contiguous()
    normed = states.new_empty(states.shape)
    _norm(states, states, weight, states, normed, eps, add=False)
    return normed


def add_norm(states: Tensor, more: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """The sum of two [..., hidden], and the sum normed."""
    states, more = states.contiguous(), more.contiguous()
    summed, normed = states.new_empty(states.shape), states.new_empty(states.shape)
    _norm(states, more, weight, summed, normed, eps, add=True)
    return summed, normed


def _norm(
    states: Tensor,
    more: Tensor,
    weight: Tensor,
    summed: Tensor,
    normed: Tensor,
    eps: float,
    *,
    add: bool,
) -> None:
    size = states.shape[-1]
    rows = states.numel() // size
    block = power_of_two(size)
    _add_norm[(rows,)](
        states,
        more,
        weight,
        summed,
        normed,
        size,
        eps,
        ADD=add,
        BLOCK=block,
        num_warps=4,
        enable_fp_fusion=True,
    )


def gated(gate_up: Tensor) -> Tensor:
    """[..., 2 · inner], gates first → silu(gate) · up, [..., inner]."""
    gate_up = gate_up.contiguous()
    size = gate_up.shape[-1] // 2
    out = gate_up.new_empty(*gate_up.shape[:-1], size)
    block = min(1024, power_of_two(size))
    grid = (out.numel() // size, triton.cdiv(size, block))
    _gated[grid](gate_up, out, size, BLOCK=block, num_warps=4, enable_fp_fusion=True)
    return out
