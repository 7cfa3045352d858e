"""The depth decoder: codes 1… of a frame, one after the other, from the backbone's output."""

import torch
from torch import Tensor
from torch.nn import functional

from csm_engine.csm import weights
from csm_engine.csm.config import CsmConfig
from csm_engine.csm.layers import decode
from csm_engine.csm.rope import RotaryTable
from csm_engine.kernels.ops import Ops, Picker


class DepthCache:
    """Keys and values of one frame in the making, [layers, rows, codebooks, kv_heads, head_dim].

    It needs no reset: a frame writes each position before it reads it. To a kernel it is a pool of
    pages, of which row n has page n.
    """

    def __init__(
        self, config: CsmConfig, rows: int, *, dtype: torch.dtype, device: torch.device | str
    ) -> None:
        depth = config.depth
        # Position 0 is the backbone's output and p is code p - 1; the last code is not fed back.
        shape = (
            depth.num_hidden_layers,
            rows,
            config.num_codebooks,
            depth.num_key_value_heads,
            depth.head_dim,
        )
        self.keys = torch.zeros(shape, dtype=dtype, device=device)
        self.values = torch.zeros_like(self.keys)
        self.table = torch.arange(rows, dtype=torch.int32, device=device)[:, None]
        self.positions = torch.arange(config.num_codebooks, device=device).repeat(rows, 1)


class DepthDecoder:
    def __init__(self, config: CsmConfig, weights: weights.Depth, ops: Ops) -> None:
        self._config = config.depth
        self._num_codebooks = config.num_codebooks
        self._vocab_size = config.vocab_size
        self._weights = weights
        self._ops = ops
        self._rotary = RotaryTable(config.depth, weights.embedding.device)

    def frame(self, cache: DepthCache, hidden: Tensor, scores: Tensor, pick: Picker) -> Tensor:
        """The backbone's output [rows, hidden] and its scores of codebook 0 → frames [rows,
        codebooks].

        The number of steps is fixed and nothing in them waits for the device.
        """
        opening = functional.linear(hidden, self._weights.projector)
        first, *_ = pick(scores, 0, *self._tables(0)[:1])
        states = torch.stack((opening, first), dim=1)
        hidden = self._forward(cache, states, 0)
        for codebook in range(1, self._num_codebooks):
            scores = self.logits(hidden, codebook)
            if codebook + 1 == self._num_codebooks:
                pick(scores, codebook)
            else:
                state, *known = pick(scores, codebook, *self._tables(codebook))
                hidden = self._forward(
                    cache, state[:, None], codebook + 1, *(entry[:, None] for entry in known)
                )
        return pick.codes

    def logits(self, hidden: Tensor, codebook: int) -> Tensor:
        """The last token of [rows, tokens, hidden] → scores of a codebook, [rows, codebook_size]."""
        # These heads are [hidden, codes], not [codes, hidden] as a linear layer's.
        return hidden[:, -1] @ self._weights.heads[codebook - 1]

    def _tables(self, codebook: int) -> tuple[Tensor, ...]:
        """What a code of a codebook is to the next position: its state, and its projections."""
        own = slice(codebook * self._vocab_size, (codebook + 1) * self._vocab_size)
        states, known = self._weights.embedding, self._weights.projections
        return (states[own],) if known is None else (states[own], known[own])

    def _forward(
        self, cache: DepthCache, states: Tensor, start: int, known: Tensor | None = None
    ) -> Tensor:
        positions = cache.positions[:, start : start + states.shape[1]]
        over = self._ops.over_cache(cache.table, positions, start, self._rotary, self._config)

        def look(layer: int, projections: Tensor) -> Tensor:
            return over(projections, cache.keys[layer], cache.values[layer])

        return decode(self._ops, self._config, self._weights, states, look, projections=known)
