"""Keys and values of many sequences in one pool of pages (Kwon et al., arXiv:2309.06180)."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from csm_engine.csm.config import Transformer
from csm_engine.csm.page_pool import PagePool


@dataclass(eq=False, slots=True)
class Sequence:
    """The tokens of one context: `length` of them, in `pages` in this order."""

    pages: list[int] = field(default_factory=list)
    length: int = 0


class PagedKV:
    """A pool's tensors, and what may be done to a sequence in it.

    `keys` and `values` are [layers, pages + 1, page_size, kv_heads, head_dim], the form that
    paged attention kernels take. All methods belong to one thread.
    """

    def __init__(
        self,
        config: Transformer,
        *,
        pages: int,
        page_size: int = 64,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        shape = (
            config.num_hidden_layers,
            pages + 1,
            page_size,
            config.num_key_value_heads,
            config.head_dim,
        )
        self.page_size = page_size
        self.max_length = config.max_position_embeddings
        self.max_pages = -(-self.max_length // page_size)
        self.pool = PagePool(pages)
        self.keys = torch.zeros(shape, dtype=dtype, device=device)
        self.values = torch.zeros_like(self.keys)

    def extend(self, sequence: Sequence, tokens: int) -> None:
        """Make room for that many tokens more, and count them as there: they are written next.

        A page that others hold too is copied before it is written. Raises ValueError past the
        model's last position and OutOfPagesError, with nothing changed in either case.
        """
        length = sequence.length + tokens
        if length > self.max_length:
            raise ValueError(
                f"{length} tokens of context, the model has {self.max_length} positions: trim it"
            )
        partial = sequence.length // self.page_size
        inside = tokens > 0 and partial < len(sequence.pages)
        copies = int(inside and self.pool.holders(sequence.pages[partial]) > 1)
        fresh = max(0, -(-length // self.page_size) - len(sequence.pages))
        taken = self.pool.take(copies + fresh)
        self._blank(taken)
        if copies:
            self._copy_on_write(sequence, partial, taken.pop())
        sequence.pages += taken
        sequence.length = length

    def fork(self, prefix: Sequence) -> Sequence:
        """A sequence that begins with all of `prefix` and shares its pages, read only."""
        self.pool.share(prefix.pages)
        return Sequence(list(prefix.pages), prefix.length)

    def truncate(self, sequence: Sequence, length: int) -> None:
        """Forget the tokens from `length` on. Raises ValueError for more than there are."""
        if not 0 <= length <= sequence.length:
            raise ValueError(f"{sequence.length} tokens cannot be cut to {length}")
        keep = -(-length // self.page_size)
        dropped = sequence.pages[keep:]
        del sequence.pages[keep:]
        sequence.length = length
        self.pool.release(dropped)

    def free(self, sequence: Sequence) -> None:
        self.truncate(sequence, 0)

    def block_table(self, sequence: Sequence) -> Tensor:
        """[max_pages] int32, 0 past the sequence's pages; on the CPU, as host bookkeeping is."""
        table = torch.zeros(self.max_pages, dtype=torch.int32)
        table[: len(sequence.pages)] = torch.tensor(sequence.pages, dtype=torch.int32)
        return table

    def _copy_on_write(self, sequence: Sequence, number: int, page: int) -> None:
        shared = sequence.pages[number]
        for pool in (self.keys, self.values):
            pool[:, page] = pool[:, shared]
        sequence.pages[number] = page
        self.pool.release([shared])

    def _blank(self, pages: list[int]) -> None:
        # What a masked position holds is weighted by zero, and zero times NaN is NaN.
        if not pages:
            return
        # A list as an index would have the host wait for the device.
        blank = torch.tensor(pages).to(self.keys.device, non_blocking=True)
        for pool in (self.keys, self.values):
            pool.index_fill_(1, blank, 0)
