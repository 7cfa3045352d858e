"""Weights in other forms: tables for what depends on a code alone, and 8 bits for 16."""

from dataclasses import replace

import torch
from torch import Tensor

from csm_engine.csm.config import CsmConfig
from csm_engine.csm.weights import Layer, Weights
from csm_engine.kernels.int8 import Int8, Matrix
from csm_engine.kernels.plain import TorchOps


def with_projections(weights: Weights, config: CsmConfig) -> Weights:
    """The depth decoder's first norm and projections as a table over its embedding.

    What they make of a code never changes, so a frame saves both in all but its first step. The
    table takes codebooks · vocab · (heads + 2 · kv_heads) · head_dim numbers: 202 MB for CSM-1B in
    bfloat16.
    """
    ops, depth = TorchOps(), weights.depth
    first = depth.layers[0]

    def project(states: Tensor) -> Tensor:
        return ops.linear(ops.norm(states, first.input_norm, config.depth.rms_norm_eps), first.qkv)

    # A codebook at a time: the float32 inside a norm is not there for all at once.
    table = torch.cat([project(own) for own in torch.split(depth.embedding, config.vocab_size)])
    return replace(weights, depth=replace(depth, projections=table))


def with_8_bits(weights: Weights) -> Weights:
    """The depth decoder's matrices in 8 bits, its embedding, projector and heads as they are.

    They are most of what a frame reads: of CSM-1B in bfloat16, 222 MB a step become 111.
    """
    depth = weights.depth
    layers = tuple(_layer(layer) for layer in depth.layers)
    return replace(weights, depth=replace(depth, layers=layers))


def _layer(layer: Layer) -> Layer:
    return replace(
        layer,
        qkv=_narrow(layer.qkv),
        out=_narrow(layer.out),
        gate_up=_narrow(layer.gate_up),
        down=_narrow(layer.down),
    )


def _narrow(matrix: Matrix) -> Matrix:
    return matrix if isinstance(matrix, Int8) else Int8.of(matrix)
