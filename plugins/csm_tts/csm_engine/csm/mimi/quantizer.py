"""Mimi's split residual vector quantizer: semantic codebooks first, then acoustic ones."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from csm_engine.csm.mimi.config import MimiConfig
from csm_engine.csm.mimi.weights import MimiTensors

_LEAST_USAGE = 1e-5
"""transformers' `MimiEuclideanCodebook.epsilon`: no division by 0 where a centroid is unused."""


@dataclass(frozen=True)
class _Group:
    """One residual quantizer: codebooks [codebook_size, codebook_dim] each, and its projections."""

    codebooks: list[Tensor]
    into: Tensor | None
    out: Tensor | None


def _groups(config: MimiConfig, weights: MimiTensors) -> list[_Group]:
    semantic = config.num_semantic_quantizers
    counts = {"semantic": semantic, "acoustic": config.num_quantizers - semantic}
    return [_group(config, weights, kind, count) for kind, count in counts.items()]


def _group(config: MimiConfig, weights: MimiTensors, kind: str, count: int) -> _Group:
    name = f"quantizer.{kind}_residual_vector_quantizer"
    codebooks = [_codebook(config, weights, f"{name}.layers.{i}.codebook") for i in range(count)]
    hidden, inner = config.hidden_size, config.vector_quantization_hidden_dimension
    if hidden == inner:
        return _Group(codebooks, None, None)
    into = weights.take(f"{name}.input_proj.weight", inner, hidden, 1)[..., 0]
    return _Group(
        codebooks, into, weights.take(f"{name}.output_proj.weight", hidden, inner, 1)[..., 0]
    )


def _codebook(config: MimiConfig, weights: MimiTensors, name: str) -> Tensor:
    weights.take(f"{name}.initialized", 1)
    usage = weights.take(f"{name}.cluster_usage", config.codebook_size)
    total = weights.take(f"{name}.embed_sum", config.codebook_size, config.codebook_dim)
    return total / usage.clamp(min=_LEAST_USAGE)[:, None]


class Dequantizer:
    """Codes → latents by one gather and sum: every centroid is projected once, beforehand."""

    def __init__(self, config: MimiConfig, weights: MimiTensors) -> None:
        # folded in fp64, so that the table is as exact whatever the device does with fp32
        tables = [
            codebook.double() @ group.out.double().t() if group.out is not None else codebook
            for group in _groups(config, weights)
            for codebook in group.codebooks
        ]
        self._table = torch.cat(tables).float()
        self._last = config.codebook_size - 1
        starts = torch.arange(config.num_quantizers) * config.codebook_size
        self._starts = starts.to(self._table.device)[:, None]

    def __call__(self, codes: Tensor) -> Tensor:
        """[B, num_quantizers, T] → [B, hidden_size, T].

        CSM's vocabulary has codes that Mimi lacks: they are held to the last one here, because an
        index out of range ends every call on a GPU.
        """
        batch, books, frames = codes.shape
        rows = codes.clamp(0, self._last) + self._starts
        rows = rows.transpose(1, 2).reshape(batch * frames, books)
        latents = functional.embedding_bag(rows, self._table, mode="sum")
        return latents.view(batch, frames, -1).transpose(1, 2)


class Quantizer:
    """Latents → codes: the nearest centroid, then the nearest to what it leaves, and so on."""

    def __init__(self, config: MimiConfig, weights: MimiTensors) -> None:
        self._groups = _groups(config, weights)
        # |x - e|² is least where x·e - |e|²/2 is most
        self._halves = [
            [-codebook.square().sum(1) / 2 for codebook in group.codebooks]
            for group in self._groups
        ]

    def __call__(self, latents: Tensor) -> Tensor:
        """[B, hidden_size, T] → [B, num_quantizers, T]; of equally near centroids the first."""
        batch, _, frames = latents.shape
        flat = latents.transpose(1, 2).reshape(batch * frames, -1)
        codes: list[Tensor] = []
        for group, halves in zip(self._groups, self._halves, strict=True):
            rest = flat if group.into is None else functional.linear(flat, group.into)
            for codebook, half in zip(group.codebooks, halves, strict=True):
                nearest = torch.addmm(half, rest, codebook.t()).argmax(-1)
                rest = rest - functional.embedding(nearest, codebook)
                codes.append(nearest)
        return torch.stack(codes).view(-1, batch, frames).transpose(0, 1)
