"""Attention of a batch of rows over paged keys and values.

A `PagedAttention` is told once where the rows' tokens lie, and gives what every layer then calls.
`sdpa` runs anywhere; a kernel that walks the pages itself has the same form.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

AttendPages = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Queries [rows, tokens, heads, head_dim], one layer's key and value pages [pages, page_size,
kv_heads, head_dim] → what each query saw, [rows, tokens, heads, head_dim]."""

PagedAttention = Callable[[Tensor, Tensor, int], AttendPages]
"""Block table [rows, pages of a row], positions [rows, tokens], page size → its `AttendPages`.

A query at position p sees positions 0…p of its own row.
"""


def sdpa(block_table: Tensor, positions: Tensor, page_size: int) -> AttendPages:
    """PyTorch's attention over each row's pages, gathered, under a mask.

    It reads every page that the table has a column for: cut the table to what a batch needs where
    that is more than its bits being the same in any batch.
    """
    seen = torch.arange(block_table.shape[1] * page_size, device=positions.device)
    mask = (seen <= positions[:, :, None])[:, None]

    def attend(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        out = functional.scaled_dot_product_attention(
            query.transpose(1, 2),
            keys[block_table].flatten(1, 2).transpose(1, 2),
            values[block_table].flatten(1, 2).transpose(1, 2),
            attn_mask=mask,
            enable_gqa=True,
        )
        return out.transpose(1, 2)

    return attend
