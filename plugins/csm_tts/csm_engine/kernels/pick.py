"""The sampler in one kernel: a row's code from its scores, and what the next step reads of it.

The rules are `sampler.sample`'s and the numbers `philox.gumbel`'s; a row is one program.
"""

import triton.language as tl
from torch import Tensor

from csm_engine.csm.sampler import MAX_TOP_K
from csm_engine.kernels.jit import jit, power_of_two
from csm_engine.kernels.ops import Draw


@jit("codes", "codebook")
def _pick(
    logits: tl.tensor,
    logits_stride: tl.tensor,
    temperature: tl.tensor,
    top_k: tl.tensor,
    seeds: tl.tensor,
    frames: tl.tensor,
    min_frames: tl.tensor,
    codes: tl.tensor,
    codes_stride: tl.tensor,
    first_table: tl.tensor,
    first_out: tl.tensor,
    first_size: tl.tensor,
    second_table: tl.tensor,
    second_out: tl.tensor,
    second_size: tl.tensor,
    count: tl.tensor,
    codebook: tl.tensor,
    eos: tl.tensor,
    most: tl.tensor,
    MAY_END: tl.constexpr,
    TABLES: tl.constexpr,
    FIRST_BLOCK: tl.constexpr,
    SECOND_BLOCK: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    row = tl.program_id(0).to(tl.int64)
    code = tl.arange(0, BLOCK)
    inside = code < count
    frame = tl.load(frames + row)
    scores = tl.load(logits + row * logits_stride + code, mask=inside, other=float("-inf"))
    scores = scores.to(tl.float32)
    if MAY_END:
        early = frame < tl.load(min_frames + row)
        scores = tl.where((code == eos) & early, float("-inf"), scores)

    # A float's bits in an order that integers keep: the k-th largest is found bit by bit.
    bits = scores.to(tl.uint32, bitcast=True)
    order = tl.where(bits >> 31 != 0, bits ^ 0xFFFFFFFF, bits | 0x80000000).to(tl.uint32)
    order = tl.where(inside, order, 0).to(tl.uint32)
    kept = tl.load(top_k + row)
    wanted = tl.minimum(tl.maximum(kept, 1), most)
    last = tl.zeros([1], tl.uint32)
    bit = tl.full([1], 0x80000000, tl.uint32)
    for _ in range(32):
        enough = tl.sum((order >= (last | bit)).to(tl.int32), 0) >= wanted
        last = tl.where(enough, last | bit, last)
        bit = bit >> 1
    last = tl.where(last >> 31 != 0, last ^ 0x80000000, last ^ 0xFFFFFFFF).to(tl.uint32)
    dropped = (scores < last.to(tl.float32, bitcast=True)) & (kept > 0)

    # A counter gives the words of four codes that follow one another.
    four = tl.arange(0, BLOCK // 4)
    a, b, c, d = tl.philox(tl.load(seeds + row), four, codebook, frame.to(tl.int32), 0)
    words = tl.interleave(tl.interleave(a, c), tl.interleave(b, d))
    uniform = ((words >> 9) * 2 + 1).to(tl.float32) * (2.0**-24)
    noise = -tl.log(-tl.log(uniform))

    heat = tl.load(temperature + row)
    greedy = heat <= 0.0
    noisy = tl.div_rn(scores, tl.where(greedy, 1.0, heat) + tl.zeros_like(scores))
    noisy += tl.where(greedy, 0.0, noise)
    noisy = tl.where(inside & (dropped == 0), noisy, float("-inf"))
    chosen = tl.argmax(noisy, 0).to(tl.int64)
    tl.store(codes + row * codes_stride, chosen)

    if TABLES > 0:
        column = tl.arange(0, FIRST_BLOCK)
        real = column < first_size
        entry = tl.load(first_table + chosen * first_size + column, mask=real)
        tl.store(first_out + row * first_size + column, entry, mask=real)
    if TABLES > 1:
        column = tl.arange(0, SECOND_BLOCK)
        real = column < second_size
        entry = tl.load(second_table + chosen * second_size + column, mask=real)
        tl.store(second_out + row * second_size + column, entry, mask=real)


def pick(
    logits: Tensor,
    draw: Draw,
    codes: Tensor,
    tables: tuple[Tensor, ...],
    *,
    codebook: int,
    eos: int,
) -> tuple[Tensor, ...]:
    """Scores [rows, codes of the codec] → each row's code, into `codes` [rows] int64; and of each
    of up to two `tables` [codes, width] the codes' entries, [rows, width].

    `eos` is not taken in codebook 0 of a row's first `min_frames` frames.
    """
    rows, count = logits.shape
    out = tuple(table.new_empty(rows, table.shape[1]) for table in tables)
    # Where there are fewer tables, their arguments are not looked at.
    (first, second), (first_out, second_out) = ((*pair, codes, codes)[:2] for pair in (tables, out))
    _pick[(rows,)](
        logits,
        logits.stride(0),
        draw.temperature,
        draw.top_k,
        draw.seeds,
        draw.frames,
        draw.min_frames,
        codes,
        codes.stride(0),
        first,
        first_out,
        first.shape[-1],
        second,
        second_out,
        second.shape[-1],
        count,
        codebook,
        eos,
        min(MAX_TOP_K, count),
        MAY_END=codebook == 0,
        TABLES=len(tables),
        FIRST_BLOCK=power_of_two(first.shape[-1]),
        SECOND_BLOCK=power_of_two(second.shape[-1]),
        BLOCK=max(4, power_of_two(count)),
        num_warps=4,
        enable_fp_fusion=False,
    )
    return out
