"""One sentence between the event loop, which takes its sound, and the thread that makes it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from csm_engine.engine.line import Line
from csm_engine.model import SpeakError

AHEAD = 25
"""Frames made and not taken, at which a row waits: 2 s of work that a barge-in would throw away."""


class Ticket:
    """Made on the event loop. `wake` lets the thread look again; each counter has one writer."""

    def __init__(self, line: Line, wake: Callable[[], None]) -> None:
        self.line = line
        self.cancelled = False
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._sounds: asyncio.Queue[bytes | SpeakError | None] = asyncio.Queue()
        self._made = 0
        self._taken = 0

    async def sounds(self) -> AsyncGenerator[bytes, None]:
        """To the end. Raises SpeakError; closing it cancels the sentence."""
        try:
            while (sound := await self._sounds.get()) is not None:
                if isinstance(sound, SpeakError):
                    raise sound
                self._taken += 1
                self._wake()
                yield sound
        finally:
            self.cancelled = True
            self._wake()

    @property
    def full(self) -> bool:
        return self._made - self._taken >= AHEAD

    def put(self, sound: bytes) -> None:
        """On the thread, as `close`."""
        self._made += 1
        self._hand_over(sound)

    def close(self, error: SpeakError | None = None) -> None:
        self._hand_over(error)

    def _hand_over(self, item: bytes | SpeakError | None) -> None:
        # A loop that was closed has nobody who waits.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._sounds.put_nowait, item)
