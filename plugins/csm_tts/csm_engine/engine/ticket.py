"""One sentence between the event loop, which takes its sound, and the thread that makes it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence

from csm_engine.endings.ending import FinishReason
from csm_engine.engine.line import Line
from csm_engine.model import SpeakError

AHEAD = 25
"""Frames made and not taken, at which a row waits: 2 s of work that a barge-in would throw away."""


class Ticket:
    """Made on the event loop. `wake` lets the thread look again. Each counter has one writer."""

    def __init__(self, line: Line, wake: Callable[[], None]) -> None:
        self.line = line
        self.reason: FinishReason = "stop"
        """How it ended, once its sound has."""
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._sounds: asyncio.Queue[bytes | SpeakError | None] = asyncio.Queue()
        self._made = 0
        self._taken = 0

    async def sounds(self) -> AsyncGenerator[bytes, None]:
        """To the end. Raises SpeakError."""
        while (sound := await self._sounds.get()) is not None:
            if isinstance(sound, SpeakError):
                raise sound
            self._taken += 1
            self._wake()
            yield sound

    @property
    def full(self) -> bool:
        return self._made - self._taken >= AHEAD

    def put(self, sounds: Sequence[bytes]) -> None:
        """On the thread, as `close` and `fail`."""
        self._made += len(sounds)
        self._hand_over(*sounds)

    def close(self, reason: FinishReason) -> None:
        self.reason = reason
        self._hand_over(None)

    def fail(self, error: SpeakError) -> None:
        self._hand_over(error)

    def _hand_over(self, *items: bytes | SpeakError | None) -> None:
        def put() -> None:
            for item in items:
                self._sounds.put_nowait(item)

        # A loop that was closed has nobody who waits.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(put)
