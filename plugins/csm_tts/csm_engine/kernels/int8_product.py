"""A few rows times a matrix of 8 bits, which is widened in registers only."""

import triton
import triton.language as tl
from torch import Tensor

from csm_engine.kernels.int8 import Int8
from csm_engine.kernels.jit import jit

ROWS, OUTPUTS, INPUTS = 16, 16, 128
"""Of a block. Fixed, so that a row's result does not depend on how many others there are."""


@jit()
def _product(
    states: tl.tensor,
    codes: tl.tensor,
    scales: tl.tensor,
    out: tl.tensor,
    rows: tl.tensor,
    outputs: tl.tensor,
    inputs: tl.tensor,
    ROWS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    INPUTS: tl.constexpr,
) -> None:
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    output = tl.program_id(1).to(tl.int64) * OUTPUTS + tl.arange(0, OUTPUTS)
    kind = states.dtype.element_ty
    total = tl.zeros([ROWS, OUTPUTS], tl.float32)
    for base in range(0, inputs, INPUTS):
        column = base + tl.arange(0, INPUTS)
        inside = column < inputs
        left = tl.load(
            states + row[:, None] * inputs + column[None, :],
            mask=(row < rows)[:, None] & inside[None, :],
            other=0.0,
        )
        right = tl.load(
            codes + output[None, :] * inputs + column[:, None],
            mask=inside[:, None] & (output < outputs)[None, :],
            other=0,
        )
        # 8 bits are exact in bfloat16: the scale is applied once, to the sum.
        total += tl.dot(left, right.to(kind), input_precision="ieee")
    scale = tl.load(scales + output, mask=output < outputs, other=0.0)
    real = (row < rows)[:, None] & (output < outputs)[None, :]
    place = out + row[:, None] * outputs + output[None, :]
    tl.store(place, (total * scale[None, :]).to(kind), mask=real)


def product(states: Tensor, weight: Int8) -> Tensor:
    """[..., in] · [out, in] → [..., out]."""
    states = states.contiguous()
    outputs, inputs = weight.codes.shape
    out = states.new_empty(*states.shape[:-1], outputs)
    rows = states.numel() // inputs
    grid = (triton.cdiv(rows, ROWS), triton.cdiv(outputs, OUTPUTS))
    _product[grid](
        states,
        weight.codes,
        weight.scales,
        out,
        rows,
        outputs,
        inputs,
        ROWS=ROWS,
        OUTPUTS=OUTPUTS,
        INPUTS=INPUTS,
        num_warps=4,
        num_stages=4,
        enable_fp_fusion=True,
    )
    return out
