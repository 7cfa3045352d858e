"""Causal convolutions fed piece by piece (SEANet, Encodec: arXiv 2210.13438, §3.1).

A layer gets its slots' contexts from an iterator, in the order of its `context_shapes`, and leaves
in them what the next piece needs. Zeros are the beginning of a stream.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from csm_engine.csm.mimi.weights import MimiTensors

Shape = tuple[int, int]
"""Channels and samples that a layer remembers of one slot."""


class Layer(Protocol):
    context_shapes: Sequence[Shape]

    def __call__(self, x: Tensor, contexts: Iterator[Tensor]) -> Tensor:
        """[B, inputs, time] → [B, outputs, time]; its contexts are updated in place."""
        ...


class Elu:
    context_shapes: Sequence[Shape] = ()

    def __call__(self, x: Tensor, contexts: Iterator[Tensor]) -> Tensor:
        return functional.elu(x)


class Conv1d:
    """Remembers the last kernel - stride inputs.

    A piece that is no multiple of the stride is padded at its end, as transformers pads a clip:
    nothing may follow it.
    """

    def __init__(
        self,
        weights: MimiTensors,
        name: str,
        channels: Shape,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        bias: bool = True,
        pad_mode: Literal["constant", "replicate"] = "constant",
    ) -> None:
        inputs, outputs = channels
        self._weight = weights.take(f"{name}.conv.weight", outputs, inputs, kernel)
        self._bias = weights.take(f"{name}.conv.bias", outputs) if bias else None
        self._stride, self._dilation, self._pad_mode = stride, dilation, pad_mode
        self._remembered = (kernel - 1) * dilation + 1 - stride
        self.context_shapes: Sequence[Shape] = (
            [(inputs, self._remembered)] if self._remembered else []
        )

    def __call__(self, x: Tensor, contexts: Iterator[Tensor]) -> Tensor:
        if missing := -x.shape[-1] % self._stride:
            x = functional.pad(x, (0, missing), mode=self._pad_mode)
        if self._remembered:
            context = next(contexts)
            x = torch.cat([context, x], -1)
            context.copy_(x[..., -self._remembered :])
        return functional.conv1d(x, self._weight, self._bias, self._stride, dilation=self._dilation)


class ConvTranspose1d:
    """Of kernel 2 x stride: an input gives two halves; the later one meets the next's earlier one.

    Computed as one product of matrices: torch's own takes ten times as long on a CPU where few
    inputs come at a time. Remembers the last later half.
    """

    def __init__(
        self,
        weights: MimiTensors,
        name: str,
        channels: Shape,
        stride: int,
        *,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        inputs, outputs = channels
        width = outputs // groups
        weight = weights.take(f"{name}.conv.weight", inputs, width, 2 * stride)
        self._weight = weight.reshape(groups, inputs // groups, width * 2 * stride)
        self._bias = weight.new_zeros(groups, 1, width, 2, stride)
        if bias:
            taken = weights.take(f"{name}.conv.bias", outputs)
            self._bias[..., 0, :] = taken.view(groups, 1, width, 1)
        self._bias = self._bias.flatten(2)
        self._groups, self._width, self._stride = groups, width, stride
        self.context_shapes: Sequence[Shape] = [(outputs, stride)]

    def __call__(self, x: Tensor, contexts: Iterator[Tensor]) -> Tensor:
        batch, inputs, count = x.shape
        grouped = x.reshape(batch, self._groups, inputs // self._groups, count)
        rows = grouped.permute(1, 0, 3, 2).reshape(self._groups, batch * count, -1)
        halves = torch.baddbmm(self._bias, rows, self._weight)
        halves = halves.view(self._groups, batch, count, self._width, 2, self._stride)
        halves = halves.permute(1, 0, 3, 2, 4, 5).flatten(1, 2)
        earlier, later = halves.unbind(3)
        context = next(contexts)
        before = torch.cat([context[:, :, None], later[:, :, :-1]], 2)
        context.copy_(later[:, :, -1])
        return (earlier + before).flatten(2)


class Stack:
    """Layers one after the other."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers
        self.context_shapes: Sequence[Shape] = [
            shape for layer in layers for shape in layer.context_shapes
        ]

    def __call__(self, x: Tensor, contexts: Iterator[Tensor]) -> Tensor:
        for layer in self._layers:
            x = layer(x, contexts)
        return x


class ResnetBlock(Stack):
    """Adds its input to what its layers make of it."""

    def __call__(self, x: Tensor, contexts: Iterator[Tensor]) -> Tensor:
        return x + super().__call__(x, contexts)
