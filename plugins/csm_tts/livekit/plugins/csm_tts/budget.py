"""How much sound may wait for its listener."""

import asyncio


class Budget:
    """Counts seconds pushed into a stream against seconds taken out of it.

    LiveKit's own channels have no bound: whoever pushes waits for `room` first, so a listener that
    stops taking stops the socket, and the socket stops the engine.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self.pushed = 0.0
        self.taken = 0.0
        self._change = asyncio.Event()

    def push(self, seconds: float) -> None:
        self.pushed += seconds

    def take(self, seconds: float) -> None:
        self.taken += seconds
        self._change.set()

    async def room(self) -> None:
        """Returns once no more than `most` seconds wait."""
        while self.pushed - self.taken > self._most:
            self._change.clear()
            await self._change.wait()
