"""Mimi's transformer (arXiv 2410.00037, §3.3.1): causal, RoPE, LayerScale, a sliding window."""

import torch
from torch import Tensor
from torch.nn import functional

from csm_engine.csm.mimi.config import MimiConfig
from csm_engine.csm.mimi.state import RingShape, Rows, SlotState
from csm_engine.csm.mimi.weights import MimiTensors


class Transformer:
    """`half` is `encoder` or `decoder`."""

    def __init__(self, config: MimiConfig, weights: MimiTensors, half: str) -> None:
        names = [f"{half}_transformer.layers.{i}" for i in range(config.num_hidden_layers)]
        self._layers = [_Layer(config, weights, name, i) for i, name in enumerate(names)]
        pairs = torch.arange(0, config.head_dim, 2, device=weights.device)
        self._frequencies = 1.0 / config.rope_theta ** (pairs.float() / config.head_dim)

    def __call__(self, x: Tensor, rows: Rows, state: SlotState) -> Tensor:
        """[B, hidden_size, n] → the same; the n new positions go into the rings of `state`."""
        batch, _, count = x.shape
        rope = self._rope(rows.positions)
        flat = x.transpose(1, 2).reshape(batch * count, -1)
        for layer in self._layers:
            flat = layer(flat, rope, rows, state)
        return flat.view(batch, count, -1).transpose(1, 2)

    def _rope(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """cos and signed sin, [B, n, 1, head_dim] each."""
        angles = positions[..., None, None].float() * self._frequencies
        cos, sin = angles.cos(), angles.sin()
        return torch.cat([cos, cos], -1), torch.cat([-sin, sin], -1)


class _Layer:
    def __init__(self, config: MimiConfig, weights: MimiTensors, name: str, index: int) -> None:
        self._index = index
        self._heads, self._kv_heads = config.num_attention_heads, config.num_key_value_heads
        self._head_dim, self._eps = config.head_dim, config.norm_eps
        hidden = config.hidden_size
        queries, keys = self._heads * self._head_dim, self._kv_heads * self._head_dim
        attention = f"{name}.self_attn"
        self._qkv = torch.cat(
            [
                weights.take(f"{attention}.q_proj.weight", queries, hidden),
                weights.take(f"{attention}.k_proj.weight", keys, hidden),
                weights.take(f"{attention}.v_proj.weight", keys, hidden),
            ]
        )
        out = weights.take(f"{attention}.o_proj.weight", hidden, queries)
        up = weights.take(f"{name}.mlp.fc1.weight", config.intermediate_size, hidden)
        down = weights.take(f"{name}.mlp.fc2.weight", hidden, config.intermediate_size)
        # LayerScale is a factor of each output: it belongs into the matrix
        self._out = weights.take(f"{attention}_layer_scale.scale", hidden)[:, None] * out
        self._down = weights.take(f"{name}.mlp_layer_scale.scale", hidden)[:, None] * down
        self._up = up
        self._norms = [
            (
                weights.take(f"{name}.{norm}.weight", hidden),
                weights.take(f"{name}.{norm}.bias", hidden),
            )
            for norm in ("input_layernorm", "post_attention_layernorm")
        ]

    def __call__(
        self, x: Tensor, rope: tuple[Tensor, Tensor], rows: Rows, state: SlotState
    ) -> Tensor:
        attended = self._attend(self._norm(x, 0), rope, rows, state)
        x = torch.addmm(x, attended, self._out.t())
        widened = functional.gelu(functional.linear(self._norm(x, 1), self._up))
        return torch.addmm(x, widened, self._down.t())

    def _norm(self, x: Tensor, which: int) -> Tensor:
        weight, bias = self._norms[which]
        return functional.layer_norm(x, weight.shape, weight, bias, self._eps)

    def _attend(
        self, x: Tensor, rope: tuple[Tensor, Tensor], rows: Rows, state: SlotState
    ) -> Tensor:
        cos, sin = rope
        qkv = functional.linear(x, self._qkv).view(*rows.positions.shape, -1, self._head_dim)
        turned, values = qkv[:, :, : -self._kv_heads], qkv[:, :, -self._kv_heads :]
        swapped = turned.roll(self._head_dim // 2, -1)
        turned = turned * cos + swapped * sin
        queries, keys = turned[:, :, : self._heads], turned[:, :, self._heads :]
        keys, values = state.remember(self._index, rows, torch.stack([keys, values], 2)).unbind(1)
        attended = functional.scaled_dot_product_attention(
            queries.transpose(1, 2),
            keys,
            values,
            attn_mask=rows.mask,
            enable_gqa=self._heads != self._kv_heads,
        )
        return attended.transpose(1, 2).reshape(x.shape[0], -1)


def ring_shape(config: MimiConfig, max_frames: int) -> RingShape:
    """For steps of up to `max_frames` frames. Raises ValueError below 1."""
    if max_frames < 1:
        raise ValueError(f"max_frames is {max_frames}: a step has 1 frame at least")
    return RingShape(
        layers=config.num_hidden_layers,
        heads=config.num_key_value_heads,
        head_dim=config.head_dim,
        window=config.sliding_window,
        longest=max_frames * config.latent_stride,
    )
