"""One direction of a line that delays, overtakes and loses. Pure: `now` is seconds of any steady clock."""

import heapq
import random
from dataclasses import dataclass
from itertools import count

BOUND = 2000
"""Packets on their way; one more is dropped, as by a router whose queue is full."""


@dataclass(frozen=True)
class Roughness:
    """`delay` and `jitter` are seconds: a packet takes `delay`, up to `jitter` more or less, evenly
    spread, so that packets nearer to each other than that may overtake. `loss` is a share of packets,
    each lost by itself.
    """

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0

    def __post_init__(self) -> None:
        if not (0.0 <= self.jitter <= self.delay and 0.0 <= self.loss <= 1.0):
            raise ValueError(f"{self}: 0 <= jitter <= delay and 0 <= loss <= 1 are wanted")


class Way:
    """The fate of the n-th packet is its own, by `seed`: it does not depend on when others come."""

    def __init__(self, roughness: Roughness, seed: int, bound: int = BOUND) -> None:
        self._roughness = roughness
        self._random = random.Random(seed)
        self._bound = bound
        self._order = count()
        self._waiting: list[tuple[float, int, bytes]] = []

    @property
    def next_due(self) -> float | None:
        """When the next packet arrives; None: none is on its way."""
        return self._waiting[0][0] if self._waiting else None

    def put(self, packet: bytes, now: float) -> None:
        lost = self._random.random() < self._roughness.loss
        late = self._random.uniform(-self._roughness.jitter, self._roughness.jitter)
        if not lost and len(self._waiting) < self._bound:
            due = now + self._roughness.delay + late
            heapq.heappush(self._waiting, (due, next(self._order), packet))

    def take(self, now: float) -> list[bytes]:
        """Those that have arrived by now, in the order of their arrival."""
        arrived = []
        while self._waiting and self._waiting[0][0] <= now:
            arrived.append(heapq.heappop(self._waiting)[2])
        return arrived
