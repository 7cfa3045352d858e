"""How long a batch will take, learned from those that ran. It decides how large batches get and
nothing else: a wrong figure costs time, never a text."""

from dataclasses import astuple, dataclass

import numpy as np

KEPT = 0.98
"""What a batch counts for when the next one has run: the memory is of some fifty."""

SCALE_RATE = 0.1

DOUBT = 0.05
"""How much the shape of the first values counts for against one batch."""

SWEEPS = 5

CLOCK = 1e-6
"""Nothing is quicker; a coarse clock may say that it was."""


@dataclass(frozen=True)
class Shape:
    """What a batch costs by: `size` rows of `frames` mel frames, `tokens` decoder steps."""

    frames: int
    size: int
    tokens: int


@dataclass(frozen=True)
class Coefficients:
    """Seconds a batch, a mel frame of a row, a frame squared (attention), a decoder step, and
    a row of a decoder step. All above zero."""

    batch: float
    frame: float
    frame_squared: float
    step: float
    row_step: float


CPU = Coefficients(2e-3, 6.6e-5, 6e-8, 6.2e-3, 1.5e-3)
"""base.en in int8 on one thread of an AVX-512 EPYC, as measured with random weights."""

CUDA = Coefficients(2e-3, 5e-6, 3e-10, 2e-3, 2e-5)
"""large-v3-turbo in float16 on a middling card, as estimated from its operations."""


class Cost:
    """A sum of terms, none of them negative, fitted to the relative errors of recent batches.

    What they leave open is taken from the first values, scaled: batches of one size cannot tell
    what a row costs. A stalled batch counts for little, as its error is relative to its own time.
    """

    def __init__(self, first: Coefficients) -> None:
        self._first = np.array(astuple(first))
        self._terms: list[float] = list(astuple(first))
        self._fitted = np.ones_like(self._first)
        self._squares = np.zeros((len(self._first), len(self._first)))
        self._sums = np.zeros_like(self._first)
        self._scale = 1.0
        self._batches = 0

    def seconds(self, shape: Shape) -> float:
        return sum(term * much for term, much in zip(self._terms, _amounts(shape), strict=True))

    def learn(self, shape: Shape, seconds: float) -> None:
        """A batch of this shape has taken `seconds`."""
        seconds = max(seconds, CLOCK)
        parts = self._first * np.array(_amounts(shape))
        self._batches += 1
        rate = max(SCALE_RATE, 1 / (1 + self._batches))
        self._scale *= (seconds / float(parts.sum()) / self._scale) ** rate
        shares = parts / seconds
        self._squares = KEPT * self._squares + np.outer(shares, shares)
        self._sums = KEPT * self._sums + shares
        self._fit()
        self._terms = [float(term) for term in self._first * self._fitted]

    def _fit(self) -> None:
        """Non-negative ridge regression by coordinate descent, from where it stood."""
        doubt = DOUBT / self._scale**2
        for _ in range(SWEEPS):
            for index, fitted in enumerate(self._fitted):
                slope = self._sums[index] - self._squares[index] @ self._fitted
                slope += doubt * (self._scale - fitted)
                step = slope / (self._squares[index, index] + doubt)
                self._fitted[index] = max(0.0, fitted + step)


def _amounts(shape: Shape) -> tuple[float, ...]:
    """Of a batch, frames, frames squared, steps, and rows of steps, as in `Coefficients`."""
    frames = shape.size * shape.frames
    return (1, frames, frames * shape.frames, shape.tokens, shape.size * shape.tokens)
