"""Rotary position embedding, always in float32 (Su et al., arXiv:2104.09864)."""

import math

import torch
from torch import Tensor

from csm_engine.csm.config import Llama3Scaling, Rope, Transformer


class RotaryTable:
    """Cosines and sines of every position up to the config's last, [positions, head_dim / 2]."""

    def __init__(self, config: Transformer, device: torch.device | str) -> None:
        positions = torch.arange(config.max_position_embeddings, dtype=torch.float32)
        angles = positions[:, None] * frequencies(config.rope, config.head_dim)
        self.turns = angles.cos().to(device), angles.sin().to(device)

    def at(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, tokens] → cosines and sines [batch, tokens, 1, head_dim / 2]."""
        cos, sin = self.turns
        return cos[positions][:, :, None], sin[positions][:, :, None]

    def between(self, start: int, end: int) -> tuple[Tensor, Tensor]:
        """The same for positions that all rows share, [1, end - start, 1, head_dim / 2]."""
        cos, sin = self.turns
        return cos[None, start:end, None], sin[None, start:end, None]


def rotate(states: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Turn queries or keys [batch, tokens, heads, head_dim] by their positions.

    A pair is (i, i + head_dim / 2), as in transformers' permuted weights; the original CSM
    checkpoint pairs (2i, 2i + 1) and is therefore not loaded.
    """
    cos, sin = turn
    first, second = states.float().chunk(2, -1)
    turned = torch.cat((first * cos - second * sin, second * cos + first * sin), -1)
    return turned.to(states.dtype)


def frequencies(rope: Rope, head_dim: int) -> Tensor:
    """Radians per position of each pair, [head_dim / 2] float32."""
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim
    plain = 1.0 / rope.theta**exponents
    return plain if rope.scaling is None else _stretched(plain, rope.scaling)


def _stretched(plain: Tensor, scaling: Llama3Scaling) -> Tensor:
    """Llama 3.1's rule: long waves `factor` times longer, short ones kept, a ramp between."""
    turns = scaling.original_max_position_embeddings * plain / (2 * math.pi)
    low, high = scaling.low_freq_factor, scaling.high_freq_factor
    share = ((turns - low) / (high - low)).clamp(0.0, 1.0)
    return (1 - share) * plain / scaling.factor + share * plain
