"""What the backbone and the depth decoder have in common: Llama-style decoder layers."""

from collections.abc import Callable

from torch import Tensor

from csm_engine.csm.config import Transformer
from csm_engine.csm.weights import Backbone, Depth
from csm_engine.kernels.ops import Ops

Look = Callable[[int, Tensor], Tensor]
"""A layer's number and its projections [rows, tokens, (heads + 2 · kv_heads) · head_dim] → what its
queries saw, [rows, tokens, heads · head_dim]. It keeps the keys and values where it wants."""


def decode(
    ops: Ops,
    config: Transformer,
    part: Backbone | Depth,
    states: Tensor,
    look: Look,
    *,
    projections: Tensor | None = None,
) -> Tensor:
    """[rows, tokens, hidden] through all layers → the same, under the last norm.

    `projections` are the first layer's, where they are known.
    """
    eps, layers = config.rms_norm_eps, part.layers
    if projections is None:
        normed = ops.norm(states, layers[0].input_norm, eps)
        projections = ops.linear(normed, layers[0].qkv)
    for number, layer in enumerate(layers):
        seen = ops.linear(look(number, projections), layer.out)
        states, normed = ops.add_norm(states, seen, layer.post_attention_norm, eps)
        inner = ops.gated(ops.linear(normed, layer.gate_up))
        more = ops.linear(inner, layer.down)
        if number + 1 < len(layers):
            following = layers[number + 1]
            states, normed = ops.add_norm(states, more, following.input_norm, eps)
            projections = ops.linear(normed, following.qkv)
        else:
            states, normed = ops.add_norm(states, more, part.norm, eps)
    return normed
