"""What a frame step does besides matrix products: the seam between PyTorch and fused kernels.

`TorchOps` is the reference and runs anywhere; `FusedOps` is the same in few kernels. Which of them
is chosen once, when a model is made.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from csm_engine.csm.attention import PagedAttention, sdpa
from csm_engine.csm.config import CsmConfig, Transformer
from csm_engine.csm.rope import RotaryTable
from csm_engine.kernels.int8 import Matrix

Look = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Projections [rows, tokens, (heads + 2 · kv_heads) · head_dim] of one layer, its keys and values
[pages, page_size, kv_heads, head_dim], which get the new ones → what the queries saw, [rows,
tokens, heads · head_dim]."""


@dataclass(frozen=True, slots=True)
class Draw:
    """How each row of a step is sampled: `Sampling`'s values and the frame's number, all [rows].

    `temperature` is float32, the others are int64.
    """

    temperature: Tensor
    top_k: Tensor
    seeds: Tensor
    frames: Tensor
    min_frames: Tensor


@dataclass(frozen=True, slots=True)
class After:
    """Where a step leaves what it made; all but `result` lasts from step to step.

    `rows` [rows] int64 names each row's slot, `padding` the slot of rows without an utterance.
    `inputs` [slots, hidden], `positions` and `frames` [slots] int64 are the slots'. `embedding`
    [codebooks · vocab, hidden] is of audio codes. `result` is [rows, codebooks + 1] int32.
    """

    rows: Tensor
    padding: int
    embedding: Tensor
    vocab_size: int
    eos: int
    inputs: Tensor
    positions: Tensor
    frames: Tensor
    result: Tensor


class Picker(Protocol):
    """Samples a frame, codebook by codebook."""

    codes: Tensor
    """[rows, codebooks] int64, what was picked so far."""

    def __call__(self, logits: Tensor, codebook: int, *tables: Tensor) -> tuple[Tensor, ...]:
        """Scores [rows, codebook_size] → the codes' entries of up to two tables [codes, width]."""
        ...


class Ops(Protocol):
    """Each result is in its inputs' dtype; sums, norms, angles and scores are float32 inside."""

    def linear(self, states: Tensor, weight: Matrix) -> Tensor: ...

    def norm(self, states: Tensor, weight: Tensor, eps: float) -> Tensor:
        """RMSNorm over the last dimension."""
        ...

    def add_norm(
        self, states: Tensor, more: Tensor, weight: Tensor, eps: float
    ) -> tuple[Tensor, Tensor]:
        """The sum, and the sum normed."""
        ...

    def gated(self, gate_up: Tensor) -> Tensor:
        """[..., 2 · inner], gates first → silu(gate) · up."""
        ...

    def over_pages(
        self,
        table: Tensor,
        positions: Tensor,
        page_size: int,
        rotary: RotaryTable,
        config: Transformer,
    ) -> Look:
        """Tokens at `positions` [rows, tokens], in the pages that `table` names."""
        ...

    def over_cache(
        self,
        table: Tensor,
        positions: Tensor,
        start: int,
        rotary: RotaryTable,
        config: Transformer,
    ) -> Look:
        """The same, where each row has one page and stands at `start`."""
        ...

    def picker(self, draw: Draw, config: CsmConfig) -> Picker: ...

    def close(self, codes: Tensor, after: After) -> None:
        """Frames [rows, codebooks] into the result, with 1 after those that end their utterance;
        each is its row's next input. A row of padding stays where it is: it must not walk off the
        model's last position."""
        ...


def ops_for(device: torch.device | str, *, attention: PagedAttention = sdpa) -> Ops:
    """Fused where there are kernels for the device: on cuda."""
    if torch.device(device).type == "cuda":
        from csm_engine.kernels.fused import FusedOps  # noqa: PLC0415 - needs Triton

        return FusedOps(attention=attention)
    from csm_engine.kernels.plain import TorchOps  # noqa: PLC0415 - it is made of this module

    return TorchOps(attention=attention)
