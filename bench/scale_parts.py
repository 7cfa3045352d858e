"""How many nodes of each part so many calls at once need, and what runs out first. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from parley.plan.figures import Source
from parley.plan.traffic import SIGMAS

MOST = 10_000_000
"""Calls beyond which nobody looks."""


@dataclass(frozen=True)
class Need:
    """One thing that calls take of a node.

    Args:
        a_call: what each call holds of it, for as long as it lasts.
        node: what a node gives away.
        events: that a call brings in a second, each of which takes `each` in that second. They come by
            chance: one second in a hundred has more of them than is counted.
    """

    what: str
    a_call: float
    node: float
    takes: Source
    has: Source
    events: float = 0.0
    each: float = 0.0

    def of(self, calls: int) -> float:
        at_once = calls * self.events
        return calls * self.a_call + self.each * (at_once + SIGMAS * math.sqrt(at_once))

    def nodes(self, calls: int) -> int:
        wanted = self.of(calls)
        found = math.ceil(wanted / self.node)
        # A quotient may be rounded to either side of a whole number.
        if (found - 1) * self.node >= wanted:
            return found - 1
        return found if found * self.node >= wanted else found + 1

    @property
    def carries(self) -> int:
        """Calls on one node, as far as this goes."""
        low, high = 0, MOST
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.of(middle) <= self.node else (low, middle - 1)
        return low

    def used(self, calls: int, nodes: int) -> float:
        """Share of what `nodes` have; infinite where there is none."""
        return self.of(calls) / (nodes * self.node) if nodes else math.inf


@dataclass(frozen=True)
class Part:
    """`grows`: more nodes carry more calls. Of one that does not, the second stands by."""

    name: str
    node: str
    needs: tuple[Need, ...]
    grows: bool = True
    spare: int = 1
    """Nodes that may be lost, and nothing that is promised with them."""

    @property
    def carries(self) -> int:
        """Calls on one node."""
        return self.first.carries

    @property
    def first(self) -> Need:
        """What runs out first on one node."""
        return min(self.needs, key=lambda need: need.carries)


@dataclass(frozen=True)
class Share:
    """A part as `calls` at once need it. `nodes` has those that may be lost."""

    part: Part
    calls: int
    nodes: int

    @property
    def working(self) -> int:
        """Nodes that are left when those that may be lost are."""
        return self.nodes - self.part.spare if self.part.grows else 1

    @property
    def scarce(self) -> Need:
        return max(self.part.needs, key=lambda need: need.used(self.calls, self.working))

    @property
    def used(self) -> float:
        """Of all nodes that work, in the best of times."""
        return self.scarce.used(self.calls, self.nodes if self.part.grows else 1)

    @property
    def used_with_loss(self) -> float:
        return self.scarce.used(self.calls, self.working)

    @property
    def is_enough(self) -> bool:
        return all(need.used(self.calls, self.working) <= 1 for need in self.part.needs)

    @property
    def calls_of_a_node(self) -> int:
        return math.ceil(self.calls / (self.nodes if self.part.grows else 1))


def layout(parts: Sequence[Part], calls: int) -> tuple[Share, ...]:
    """As few nodes as carry `calls` when each part has lost one of them."""
    return tuple(Share(part, calls, _nodes(part, calls)) for part in parts)


def _nodes(part: Part, calls: int) -> int:
    if not part.grows:
        return 1 + part.spare
    return max(1, *(need.nodes(calls) for need in part.needs)) + part.spare


def first_to_end(shares: Sequence[Share]) -> Share:
    """The part that has least left once each has lost a node; what is bought by number has no node."""
    run = [share for share in shares if share.part.spare] or shares
    return max(run, key=lambda share: share.used_with_loss)
