"""What the codec remembers of each slot, in buffers that never move, as CUDA graphs need them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from csm_engine.csm.mimi.convs import Shape


@dataclass(frozen=True)
class RingShape:
    """Of the keys and values of a transformer.

    `longest`: positions that one step adds at most. `window`: positions that a query sees, itself
    among them.
    """

    layers: int
    heads: int
    head_dim: int
    window: int
    longest: int

    @property
    def size(self) -> int:
        """Enough for the first query of the longest step to find its whole window."""
        return self.window + self.longest - 1


@dataclass(frozen=True)
class Rows:
    """A batch of slots during one step.

    Shapes: slots [B]; positions [B, n] and their places [B, n] in the ring; mask [B, 1, n, ring],
    true where a position sees; held [B, remembered], of which `contexts` are views.
    """

    slots: Tensor
    held: Tensor
    contexts: Iterator[Tensor]
    positions: Tensor
    places: Tensor
    mask: Tensor


class SlotState:
    """Contexts of the convolutions, rings of keys and values, and the position of each slot.

    There is one slot more than asked for, `padding_slot`: rows that only fill a batch go there, any
    number of them.
    """

    def __init__(
        self,
        slots: int,
        shapes: Iterable[Shape],
        ring: RingShape,
        device: torch.device | str = "cpu",
    ) -> None:
        if slots < 1:
            raise ValueError(f"{slots} slots: a codec needs one for each stream, 1 at least")
        self.padding_slot = slots
        self._shapes: Sequence[Shape] = list(shapes)
        self._ring = ring
        of_slot = (2, ring.heads, ring.size, ring.head_dim)
        remembered = sum(channels * samples for channels, samples in self._shapes)
        self._held = torch.zeros(slots + 1, remembered, device=device)
        self._kv = torch.zeros(ring.layers, slots + 1, *of_slot, device=device)
        self._next = torch.zeros(slots + 1, dtype=torch.long, device=device)

    @property
    def bytes_per_slot(self) -> int:
        parts = (self._held, self._kv, self._next)
        return sum(part.nbytes for part in parts) // (self.padding_slot + 1)

    def reset(self, slots: Tensor) -> None:
        """Begin new streams: slots [B]."""
        self._held.index_fill_(0, slots, 0)
        # masked anyhow, but 0 x NaN is NaN: what broke one stream must not reach the next
        self._kv.index_fill_(1, slots, 0)
        self._next.index_fill_(0, slots, 0)

    def copy(self, sources: Tensor, targets: Tensor) -> None:
        """Let the slots `targets` [B] go on from where the slots `sources` [B] are."""
        self._held.index_copy_(0, targets, self._held[sources])
        self._kv.index_copy_(1, targets, self._kv[:, sources])
        self._next.index_copy_(0, targets, self._next[sources])

    def gather(self, slots: Tensor, count: int) -> Rows:
        """For a step of `count` positions."""
        held = self._held[slots]
        positions = self._next[slots][:, None] + torch.arange(count, device=slots.device)
        size = self._ring.size
        # the newest position that each place of the ring holds once this step is written
        last = positions[:, -1:]
        holds = last - (last - torch.arange(size, device=slots.device)) % size
        age = positions[:, :, None] - holds[:, None, :]
        seen = (age >= 0) & (age < self._ring.window) & (holds >= 0)[:, None, :]
        return Rows(slots, held, self._views(held), positions, positions % size, seen[:, None])

    def keep(self, rows: Rows) -> None:
        """Write back what the layers left in `rows`."""
        self._held.index_copy_(0, rows.slots, rows.held)
        self._next.index_copy_(0, rows.slots, rows.positions[:, -1] + 1)

    def remember(self, layer: int, rows: Rows, kv: Tensor) -> Tensor:
        """Keys and values of the step, [B, n, 2, heads, head_dim] → a copy of the rows' rings with
        them, [B, 2, heads, ring, head_dim].
        """
        ring = self._kv[layer]
        ring[rows.slots[:, None], :, :, rows.places] = kv
        return ring[rows.slots]

    def _views(self, held: Tensor) -> Iterator[Tensor]:
        start = 0
        for channels, samples in self._shapes:
            end = start + channels * samples
            yield held[:, start:end].view(-1, channels, samples)
            start = end
