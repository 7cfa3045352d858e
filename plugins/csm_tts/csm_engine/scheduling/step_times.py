"""How long a tick takes, by its bucket and the tokens it prefills, learned from those that ran.

It decides order, admission and batch sizes and nothing else: a wrong figure costs time, not sound.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

BUCKETS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128)
"""Rows that a captured graph has."""

MEMORY = 10.0
"""Steps of a bucket that its average remembers."""

KEPT = 0.98
"""What a bucket's average is worth after one step of another, down to one step's worth."""

DOUBT = 0.5
"""How much the first values count for against one step."""

STALL = 2.0
"""A known bucket's step that is so many times too long (or short) counts as no more than this."""

CLOCK = 1e-6
"""Nothing is quicker; a coarse clock may say that it was."""


@dataclass(frozen=True)
class FirstValues:
    """Seconds a step, a row of it, and a prefilled token, believed until steps were measured.

    All above zero. The defaults are an H200's targets.
    """

    step: float = 6.3e-3
    row: float = 7.3e-5
    token: float = 5e-6


@dataclass
class _Mean:
    seconds: float = 0.0
    weight: float = 0.0


class StepTimes:
    """Seconds of a frame step and its codec, by bucket; never fewer for a larger bucket."""

    def __init__(self, first: FirstValues | None = None, buckets: Sequence[int] = BUCKETS) -> None:
        if not buckets or list(buckets) != sorted(set(buckets)) or buckets[0] < 1:
            raise ValueError(f"buckets {tuple(buckets)} do not rise from 1 or more")
        first = first or FirstValues()
        self.buckets = tuple(buckets)
        self._first = [first.step + first.row * bucket for bucket in buckets]
        self._means = [_Mean() for _ in buckets]
        self._scale = 1.0
        self._steps = 0
        self._token = first.token
        self._curve = list(self._first)

    @property
    def largest(self) -> int:
        return self.buckets[-1]

    def bucket(self, rows: int) -> int:
        """The smallest that holds them, 0 for none. Raises ValueError above the largest."""
        if rows > self.largest:
            raise ValueError(f"{rows} rows are more than the largest bucket's {self.largest}")
        return self.buckets[bisect_left(self.buckets, rows)] if rows else 0

    def seconds(self, rows: int, tokens: int = 0) -> float:
        """Of a tick that gives `rows` (at most the largest bucket) a frame each."""
        return self._step(self.bucket(rows)) + tokens * self._token

    def round(self, rows: int) -> float:
        """Seconds to give each of `rows` a frame, in as many ticks as that needs."""
        full, rest = divmod(rows, self.largest)
        return full * self._step(self.largest) + self._step(self.bucket(rest))

    def tokens_in(self, seconds: float) -> int:
        """How many can be prefilled in that time."""
        return max(0, int(seconds / self._token))

    def learn(self, rows: int, tokens: int, seconds: float) -> None:
        """A tick took `seconds`. A tick that prefills teaches what a token takes, as steps are
        known from the ticks that do not, unless it was quicker than its step alone should be."""
        seconds = max(seconds, CLOCK)
        step = self.seconds(rows)
        if rows and (not tokens or seconds < step):
            index = bisect_left(self.buckets, rows)
            if self._means[index].weight >= 1:
                seconds = min(max(seconds, step / STALL), step * STALL)
            self._learn_step(index, seconds)
        elif tokens:
            token = min(max((seconds - step) / tokens, self._token / STALL), self._token * STALL)
            self._token += (token - self._token) / MEMORY

    def _step(self, bucket: int) -> float:
        return self._curve[bisect_left(self.buckets, bucket)] if bucket else 0.0

    def _learn_step(self, index: int, seconds: float) -> None:
        self._steps += 1
        rate = 1 / min(self._steps, MEMORY)
        self._scale *= (seconds / self._first[index] / self._scale) ** rate
        for other in self._means:
            other.weight = max(min(1.0, other.weight), KEPT * other.weight)
        mean = self._means[index]
        weight = min(mean.weight, MEMORY - 1)
        mean.seconds = (weight * mean.seconds + seconds) / (weight + 1)
        mean.weight = weight + 1
        self._curve = self._fit()

    def _fit(self) -> list[float]:
        """A larger bucket is never quicker: neighbours that say so are averaged (isotonic
        regression by pooling adjacent violators), so that one stall does not bend the rest."""
        pools: list[tuple[float, float, int]] = []
        for first, mean in zip(self._first, self._means, strict=True):
            weight = mean.weight + DOUBT
            value = (mean.weight * mean.seconds + DOUBT * first * self._scale) / weight
            count = 1
            while pools and pools[-1][0] > value:
                other, others, members = pools.pop()
                value = (weight * value + others * other) / (weight + others)
                weight, count = weight + others, count + members
            pools.append((value, weight, count))
        return [value for value, _, count in pools for _ in range(count)]
