"""On hold: nothing comes from the caller's telephone, not even silence."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE = 1.0
"""Seconds without a packet. A bad line loses some; one that is up sends fifty a second, words or not."""

LOOK = 0.5
"""Seconds between two looks: nobody tells of a hold, for the bridge keeps it to itself."""

Packets = Callable[[], Awaitable[int | None]]
"""How many have come from the caller; None when that is not known."""


class Hold:
    """Whether the caller holds us, by the count of their packets. Pure: `now` is passed in."""

    def __init__(self) -> None:
        self._packets: int | None = None
        self._since = 0.0

    def count(self, packets: int | None, now: float) -> None:
        """So many have come until `now`. A count that is not known is taken for news."""
        if packets is None or packets != self._packets:
            self._packets, self._since = packets, now

    def on(self, now: float) -> bool:
        return self._packets is not None and now - self._since > PATIENCE


async def follow(packets: Packets, changed: Callable[[bool], None]) -> None:
    """Tell of each hold and of its end, until cancelled."""
    hold, was = Hold(), False
    loop = asyncio.get_running_loop()
    while True:
        hold.count(await packets(), loop.time())
        if (held := hold.on(loop.time())) != was:
            was = held
            changed(held)
        await asyncio.sleep(LOOK)
