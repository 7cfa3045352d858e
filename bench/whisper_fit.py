"""The batcher's cost model, fitted to what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from whisper_engine.whisper.cost import Coefficients, Cost, Shape

LEAST = 1e-12
"""Seconds: a term of nothing at all could never be learned."""


@dataclass(frozen=True)
class Fit:
    """`errors` are relative, of each batch that was measured, in order."""

    takes: Coefficients
    errors: tuple[float, ...]


def fit(batches: Sequence[tuple[Shape, float]], steps: Sequence[tuple[int, float]]) -> Fit:
    """No term below zero, and the least squares of relative errors.

    Args:
        batches: what whole decodes took, in seconds.
        steps: the size of a batch, and seconds that a token of each of its items took.
    """
    amounts = [_amounts(shape) for shape, _ in batches]
    amounts += [(0, 0, 0, 1, size) for size, _ in steps]
    seconds = np.array([each for _, each in (*batches, *steps)])
    shares = np.array(amounts, float) / seconds[:, None]
    scale = shares.max(axis=0)
    terms = nnls(shares / scale, np.ones(len(shares)))[0] / scale
    takes = Coefficients(*(max(float(term), LEAST) for term in terms))
    cost = Cost(takes)
    return Fit(takes, tuple(cost.seconds(shape) / each - 1 for shape, each in batches))


def _amounts(shape: Shape) -> tuple[int, int, int, int, int]:
    """Of each of the model's terms, in order."""
    frames = shape.size * shape.frames
    return (1, frames, frames * shape.frames, shape.tokens, shape.size * shape.tokens)
