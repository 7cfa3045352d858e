"""The depth decoder: codes 1… of a frame, one after the other, from the backbone's output."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from csm_engine.csm import weights
from csm_engine.csm.config import CsmConfig
from csm_engine.csm.layers import Attend, decoder_layer, rms_norm
from csm_engine.csm.rope import RotaryTable

Pick = Callable[[Tensor, int], Tensor]
"""Scores [rows, codebook_size] of a codebook → its codes [rows] int64."""


class DepthCache:
    """Keys and values of one frame in the making, [layers, rows, kv_heads, codebooks, head_dim].

    It needs no reset: a frame writes each position before it reads it.
    """

    def __init__(
        self, config: CsmConfig, rows: int, *, dtype: torch.dtype, device: torch.device | str
    ) -> None:
        depth = config.depth
        # Position 0 is the backbone's output and p is code p - 1; the last code is not fed back.
        shape = (
            depth.num_hidden_layers,
            rows,
            depth.num_key_value_heads,
            config.num_codebooks,
            depth.head_dim,
        )
        self.keys = torch.zeros(shape, dtype=dtype, device=device)
        self.values = torch.zeros_like(self.keys)


class DepthDecoder:
    def __init__(self, config: CsmConfig, weights: weights.Depth) -> None:
        self._config = config.depth
        self._num_codebooks = config.num_codebooks
        self._vocab_size = config.vocab_size
        self._weights = weights
        device = weights.embedding.device
        rotary = RotaryTable(config.depth, device)
        positions = torch.arange(config.num_codebooks, device=device)[None]
        self._cos, self._sin = rotary.at(positions)

    def frame(self, cache: DepthCache, hidden: Tensor, first: Tensor, pick: Pick) -> Tensor:
        """The backbone's output [rows, hidden] and codes 0 [rows] → frames [rows, codebooks].

        The number of steps is fixed and nothing in them waits for the device.
        """
        opening = functional.linear(hidden, self._weights.projector)
        states = torch.stack((opening, self._embed(first, 0)), dim=1)
        codes = [first]
        for codebook in range(1, self._num_codebooks):
            if codebook > 1:
                states = self._embed(codes[-1], codebook - 1)[:, None]
            states = self._forward(cache, states, codebook + 1 - states.shape[1])
            codes.append(pick(self._logits(states[:, -1], codebook), codebook))
        return torch.stack(codes, dim=1)

    def _embed(self, codes: Tensor, codebook: int) -> Tensor:
        return functional.embedding(codes + codebook * self._vocab_size, self._weights.embedding)

    def _logits(self, states: Tensor, codebook: int) -> Tensor:
        # These heads are [hidden, codes], not [codes, hidden] as a linear layer's.
        return (states @ self._weights.heads[codebook - 1]).float()

    def _forward(self, cache: DepthCache, states: Tensor, position: int) -> Tensor:
        end = position + states.shape[1]
        turn = self._cos[:, position:end], self._sin[:, position:end]
        for layer, own in enumerate(self._weights.layers):
            look = _through_cache(cache.keys[layer], cache.values[layer], position)
            states = decoder_layer(states, own, self._config, turn, look)
        return rms_norm(states, self._weights.norm, self._config.rms_norm_eps)


def _through_cache(keys: Tensor, values: Tensor, position: int) -> Attend:
    """Write one layer's new keys and values at a position, then look back over those up to it."""

    def write_and_attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        end = position + key.shape[1]
        keys[:, :, position:end] = key.transpose(1, 2)
        values[:, :, position:end] = value.transpose(1, 2)
        out = functional.scaled_dot_product_attention(
            query.transpose(1, 2),
            keys[:, :, :end],
            values[:, :, :end],
            # The opening's two tokens are a whole causal square; a later one sees all there is.
            is_causal=position == 0,
            enable_gqa=True,
        )
        return out.transpose(1, 2)

    return write_and_attend
