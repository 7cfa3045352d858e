"""Layers whose weights are written by hand, one entry at a time."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from whisper_engine.synthetic.files import Array, zeros

HEADS = 2

CONSTANT = 512.0
"""Far above all else in the residual stream, as a pair of opposite signs: layer normalisation then
divides by nearly the same number at each position, and what it normalises stays linear."""

PLUS, MINUS, SINK = range(3)
"""The pair, and what keeps the sum over the stream at zero: normalisation subtracts the mean."""


STEEP = 8.0
"""gelu(8 n) is relu(8 n) at every whole n, but for 1e-14."""


class Sparse:
    """Fills the parts of layers that are `width` wide; `width / HEADS` is a head's."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.head = width // HEADS
        self.query_scale = math.sqrt(self.head)

    def rows(self, number: int) -> Array:
        """Position encodings: the constant pair, the rest zero."""
        rows = zeros(number, self.width)
        rows[:, PLUS], rows[:, MINUS] = CONSTANT, -CONSTANT
        return rows

    def norm(self, norm: Any) -> None:
        """What comes out equals what went in, without the constant pair."""
        norm.gamma = np.full(self.width, CONSTANT * math.sqrt(2 / self.width), np.float32)
        norm.gamma[[PLUS, MINUS]] = 0
        norm.beta = zeros(self.width)

    def linear(self, linear: Any, outputs: int, inputs: int) -> None:
        linear.weight, linear.bias = zeros(outputs, inputs), zeros(outputs)

    def attention(self, attention: Any, *, memory: bool) -> None:
        """One that adds nothing until its weights are written."""
        self.norm(attention.layer_norm)
        for linear, times in zip(attention.linear, (1, 2, 1) if memory else (3, 1), strict=True):
            self.linear(linear, times * self.width, self.width)

    def feed_forward(self, ffn: Any, hidden: int) -> None:
        self.norm(ffn.layer_norm)
        self.linear(ffn.linear_0, hidden, self.width)
        self.linear(ffn.linear_1, self.width, hidden)

    def write(self, linear: Any, column: int, to: Mapping[int, float]) -> None:
        """What `column` adds to the residual stream, and its opposite to the sink."""
        for row, weight in to.items():
            linear.weight[row, column] += weight
            linear.weight[SINK, column] -= weight


def balance(rows: Array) -> Array:
    """Sets the sink so that each row adds up to zero."""
    rows[:, SINK] -= rows.sum(axis=1)
    return rows
