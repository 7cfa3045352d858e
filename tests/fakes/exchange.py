"""A telephone network without telephones."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from sip.outbound.place import Placement, Ringing
from sip.outbound.result import ANSWERED, Result

AGENT = 0.5
"""Seconds until the agent is in the room."""


@dataclass
class FakeExchange:
    """Each call rings for `rings` seconds and comes to the next of `results`, then to answers."""

    results: Iterable[Result] = ()
    rings: float = 2.0
    answered: set[str] = field(default_factory=set)
    """Calls that go on."""
    rung: list[tuple[float, Placement]] = field(default_factory=list)
    """When, and whom."""
    removed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._results = iter(self.results)

    async def place(self, call: Placement, ringing: Ringing) -> Result:
        try:
            await asyncio.sleep(AGENT)
            result = next(self._results, ANSWERED)
            if not result.placed:
                return result
            await ringing()
            self.rung.append((asyncio.get_running_loop().time(), call))
            await asyncio.sleep(self.rings)
        except BaseException:
            await self.remove(call.call_id)
            raise
        if result is ANSWERED:
            self.answered.add(call.call_id)
        return result

    async def is_answered(self, call_id: str) -> bool:
        return call_id in self.answered

    async def remove(self, call_id: str) -> None:
        self.removed.append(call_id)
        self.answered.discard(call_id)
