"""The end of a step in one kernel: what was said, and where each row stands next."""

import triton.language as tl
from torch import Tensor

from csm_engine.kernels.jit import jit, power_of_two
from csm_engine.kernels.ops import After


@jit()
def _close(
    codes: tl.tensor,
    rows: tl.tensor,
    padding: tl.tensor,
    embedding: tl.tensor,
    inputs: tl.tensor,
    positions: tl.tensor,
    frames: tl.tensor,
    result: tl.tensor,
    vocab: tl.tensor,
    hidden: tl.tensor,
    eos: tl.tensor,
    CODEBOOKS: tl.constexpr,
    CODEBOOK_BLOCK: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    row = tl.program_id(0).to(tl.int64)
    slot = tl.load(rows + row)

    codebook = tl.arange(0, CODEBOOK_BLOCK)
    inside = codebook < CODEBOOKS
    said = tl.load(codes + row * CODEBOOKS + codebook, mask=inside, other=0)
    sounding = (said != eos) & (codebook < CODEBOOKS - 1)
    ended = tl.sum(sounding.to(tl.int32), 0) == 0
    out = result + row * (CODEBOOKS + 1)
    tl.store(out + codebook, said.to(tl.int32), mask=inside)
    tl.store(out + CODEBOOKS, ended.to(tl.int32))

    column = tl.arange(0, BLOCK)
    real = column < hidden
    total = tl.zeros([BLOCK], tl.float32)
    for number in range(CODEBOOKS):
        entry = tl.load(codes + row * CODEBOOKS + number) + number * vocab
        own = tl.load(embedding + entry * hidden + column, mask=real, other=0.0)
        total += own.to(tl.float32)
    tl.store(inputs + slot * hidden + column, total.to(inputs.dtype.element_ty), mask=real)

    moved = (slot != padding).to(tl.int64)
    tl.store(positions + slot, tl.load(positions + slot) + moved)
    tl.store(frames + slot, tl.load(frames + slot) + moved)


def close(codes: Tensor, after: After) -> None:
    """Frames [rows, codebooks], whole: see `Ops.close`. Rows of padding all write the same."""
    rows, codebooks = codes.shape
    hidden = after.inputs.shape[1]
    _close[(rows,)](
        codes,
        after.rows,
        after.padding,
        after.embedding,
        after.inputs,
        after.positions,
        after.frames,
        after.result,
        after.vocab_size,
        hidden,
        after.eos,
        CODEBOOKS=codebooks,
        CODEBOOK_BLOCK=power_of_two(codebooks),
        BLOCK=power_of_two(hidden),
        num_warps=4,
        enable_fp_fusion=True,
    )
