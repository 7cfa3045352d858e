"""A layer's look back in one kernel: RoPE, the new keys and values to their pages, attention.

A program is one row and one key-value head, with the queries that share it. It reads no more of a
row's pages than are written, and what it computes depends on its own row alone. The new keys it
attends to are those in its registers: it never reads what it just wrote.
"""

import triton.language as tl
from torch import Tensor

from csm_engine.csm.config import Transformer
from csm_engine.kernels.jit import jit, power_of_two

NARROW = 64
"""Head dimension up to which a program's registers hold 64 positions at a time, not 16."""


@jit("positions", "position_stride", "table_stride")
def _look(
    qkv: tl.tensor,
    cos: tl.tensor,
    sin: tl.tensor,
    positions: tl.tensor,
    position_stride: tl.tensor,
    table: tl.tensor,
    table_stride: tl.tensor,
    keys: tl.tensor,
    values: tl.tensor,
    seen: tl.tensor,
    scale: tl.tensor,
    PAGE: tl.constexpr,
    TOKENS: tl.constexpr,
    HEADS: tl.constexpr,
    KV_HEADS: tl.constexpr,
    DIM: tl.constexpr,
    GROUP_BLOCK: tl.constexpr,
    HALF_BLOCK: tl.constexpr,
    DIM_BLOCK: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    row = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1)
    start = tl.load(positions + row * position_stride).to(tl.int32)
    kind = keys.dtype.element_ty
    group = HEADS // KV_HEADS
    half_dim = DIM // 2
    width = (HEADS + 2 * KV_HEADS) * DIM

    half = tl.arange(0, HALF_BLOCK)
    column = tl.arange(0, DIM_BLOCK)
    in_half = half < half_dim
    in_dim = column < DIM

    new = tl.arange(0, TOKENS)
    tokens = qkv + (row * TOKENS + new)[:, None] * width
    turn = (start + new)[:, None] * half_dim + half[None, :]
    key_cos = tl.load(cos + turn, mask=in_half[None, :], other=0.0)
    key_sin = tl.load(sin + turn, mask=in_half[None, :], other=0.0)
    key_at = tokens + (HEADS + head) * DIM + half[None, :]
    first = tl.load(key_at, mask=in_half[None, :], other=0.0).to(tl.float32)
    second = tl.load(key_at + half_dim, mask=in_half[None, :], other=0.0).to(tl.float32)
    key_first = (first * key_cos - second * key_sin).to(kind)
    key_second = (second * key_cos + first * key_sin).to(kind)
    value_at = tokens + (HEADS + KV_HEADS + head) * DIM + column[None, :]
    value = tl.load(value_at, mask=in_dim[None, :], other=0.0).to(kind)

    new_page = tl.load(table + row * table_stride + (start + new) // PAGE).to(tl.int64)
    new_at = (new_page * PAGE + (start + new) % PAGE) * KV_HEADS + head
    new_key = keys + new_at[:, None] * DIM + half[None, :]
    tl.store(new_key, key_first, mask=in_half[None, :])
    tl.store(new_key + half_dim, key_second, mask=in_half[None, :])
    new_value = values + new_at[:, None] * DIM + column[None, :]
    tl.store(new_value, value, mask=in_dim[None, :])

    query = tl.arange(0, TOKENS * GROUP_BLOCK)
    token = query // GROUP_BLOCK
    member = query % GROUP_BLOCK
    of_group = (member < group)[:, None]
    query_at = qkv + (row * TOKENS + token)[:, None] * width
    query_at += (head * group + member)[:, None] * DIM + half[None, :]
    real = of_group & in_half[None, :]
    turn = (start + token)[:, None] * half_dim + half[None, :]
    query_cos = tl.load(cos + turn, mask=in_half[None, :], other=0.0)
    query_sin = tl.load(sin + turn, mask=in_half[None, :], other=0.0)
    first = tl.load(query_at, mask=real, other=0.0).to(tl.float32)
    second = tl.load(query_at + half_dim, mask=real, other=0.0).to(tl.float32)
    # As they would be had they been stored between two kernels.
    left = (first * query_cos - second * query_sin).to(kind).to(tl.float32) * scale
    right = (second * query_cos + first * query_sin).to(kind).to(tl.float32) * scale

    own = tl.sum(left[:, None, :] * key_first.to(tl.float32)[None, :, :], 2)
    own += tl.sum(right[:, None, :] * key_second.to(tl.float32)[None, :, :], 2)
    own = tl.where(new[None, :] <= token[:, None], own, float("-inf"))
    top = tl.max(own, 1)
    own = tl.exp(own - top[:, None])
    total = tl.sum(own, 1)
    out = tl.sum(own[:, :, None] * value.to(tl.float32)[None, :, :], 1)

    for base in range(0, start, BLOCK):
        place = base + tl.arange(0, BLOCK)
        written = place < start
        page = tl.load(table + row * table_stride + place // PAGE, mask=written, other=0)
        at = ((page.to(tl.int64) * PAGE + place % PAGE) * KV_HEADS + head)[:, None] * DIM
        read = written[:, None] & in_half[None, :]
        old = keys + at + half[None, :]
        old_first = tl.load(old, mask=read, other=0.0).to(tl.float32)
        old_second = tl.load(old + half_dim, mask=read, other=0.0).to(tl.float32)
        scores = tl.sum(left[:, None, :] * old_first[None, :, :], 2)
        scores += tl.sum(right[:, None, :] * old_second[None, :, :], 2)
        scores = tl.where(written[None, :], scores, float("-inf"))
        higher = tl.maximum(top, tl.max(scores, 1))
        fade = tl.exp(top - higher)
        weights = tl.exp(scores - higher[:, None])
        read = written[:, None] & in_dim[None, :]
        old = tl.load(values + at + column[None, :], mask=read, other=0.0).to(tl.float32)
        out = out * fade[:, None] + tl.sum(weights[:, :, None] * old[None, :, :], 1)
        total = total * fade + tl.sum(weights, 1)
        top = higher

    out = out / total[:, None]
    out_at = ((row * TOKENS + token) * HEADS + head * group + member)[:, None] * DIM
    tl.store(seen + out_at + column[None, :], out.to(kind), mask=of_group & in_dim[None, :])


def look(
    qkv: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    table: Tensor,
    positions: Tensor,
    turns: tuple[Tensor, Tensor],
    config: Transformer,
) -> Tensor:
    """Projections [rows, tokens, (heads + 2 · kv_heads) · head_dim] → what the queries saw,
    [rows, tokens, heads · head_dim].

    `keys` and `values` are one layer's [pages, page_size, kv_heads, head_dim]; they get the new
    ones. `positions` [rows, tokens] int64 follow one another in a row, `table` [rows, pages of a
    row] int32 names a row's pages, `turns` are RoPE's cosines and sines [positions, head_dim / 2].
    A row has a power of two of tokens, and few: they are held in registers.
    """
    rows, tokens, _ = qkv.shape
    heads, kv_heads, dim = config.num_attention_heads, config.num_key_value_heads, config.head_dim
    qkv = qkv.contiguous()
    seen = qkv.new_empty(rows, tokens, heads * dim)
    half_block = power_of_two(dim // 2)
    _look[(rows, kv_heads)](
        qkv,
        *turns,
        positions,
        positions.stride(0),
        table,
        table.stride(0),
        keys,
        values,
        seen,
        dim**-0.5,
        PAGE=keys.shape[1],
        TOKENS=tokens,
        HEADS=heads,
        KV_HEADS=kv_heads,
        DIM=dim,
        GROUP_BLOCK=power_of_two(heads // kv_heads),
        HALF_BLOCK=half_block,
        DIM_BLOCK=2 * half_block,
        BLOCK=64 if dim <= NARROW else 16,
        num_warps=8,
        enable_fp_fusion=True,
    )
    return seen
