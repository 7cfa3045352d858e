"""What the backbone and the depth decoder have in common: a Llama-style decoder layer."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from csm_engine.csm.config import Transformer
from csm_engine.csm.rope import rotate
from csm_engine.csm.weights import Layer

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Queries, keys and values [batch, tokens, heads, head_dim] → what the queries saw, as queries."""


def rms_norm(states: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Root mean square norm over the last dimension, its variance in float32."""
    wide = states.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
    return weight * wide.to(states.dtype)


def decoder_layer(
    states: Tensor,
    weights: Layer,
    config: Transformer,
    turn: tuple[Tensor, Tensor],
    attend: Attend,
) -> Tensor:
    """[batch, tokens, hidden] → the same. `attend` keeps the keys and values where it wants."""
    batch, tokens, _ = states.shape
    heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
    normed = rms_norm(states, weights.input_norm, config.rms_norm_eps)
    qkv = functional.linear(normed, weights.qkv).view(
        batch, tokens, heads + 2 * kv_heads, config.head_dim
    )
    query, key, value = qkv.tensor_split((heads, heads + kv_heads), dim=2)
    seen = attend(rotate(query, turn), rotate(key, turn), value)
    states = states + functional.linear(seen.reshape(batch, tokens, -1), weights.out)
    normed = rms_norm(states, weights.post_attention_norm, config.rms_norm_eps)
    gate, up = functional.linear(normed, weights.gate_up).chunk(2, -1)
    return states + functional.linear(functional.silu(gate) * up, weights.down)
