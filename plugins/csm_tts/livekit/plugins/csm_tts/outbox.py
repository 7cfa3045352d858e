"""What an engine is still to be told beside the sentences: turns, cuts, the caller's sound."""

import asyncio
from collections import deque

from livekit.plugins.csm_tts.socket import EngineSocket

from csm_engine.protocol import ContextAppend, InputCancel

MOST_SOUND = 2.0
"""Seconds of the caller that may wait; more are dropped, and the engine hears a gap."""
MOST_MESSAGES = 32
"""Turns and cuts that may wait; the oldest go. An engine refuses who makes it queue twice as many."""
_SAMPLE_BYTES = 2


class Outbox:
    """In order, and kept while a lost socket is replaced.

    Args:
        caller_rate: Hz of the sound.
    """

    def __init__(self, caller_rate: int) -> None:
        self._rate = caller_rate
        self._waiting: deque[ContextAppend | InputCancel | bytes] = deque()
        self._sound_bytes = 0
        self._sending = asyncio.Lock()
        self.dropped = 0.0
        """Seconds of sound that no engine was told."""

    @property
    def empty(self) -> bool:
        return not self._waiting

    def put(self, message: ContextAppend | InputCancel) -> None:
        if sum(not isinstance(item, bytes) for item in self._waiting) >= MOST_MESSAGES:
            self._waiting.remove(next(m for m in self._waiting if not isinstance(m, bytes)))
        self._waiting.append(message)

    def put_sound(self, pcm: bytes) -> None:
        if self._seconds(self._sound_bytes + len(pcm)) > MOST_SOUND:
            self.drop(len(pcm))
            return
        self._waiting.append(pcm)
        self._sound_bytes += len(pcm)

    def drop(self, pcm_bytes: int) -> None:
        self.dropped += self._seconds(pcm_bytes)

    def forget(self) -> None:
        """The engine is told in another way what counts of it."""
        self.drop(self._sound_bytes)
        self._sound_bytes = 0
        self._waiting.clear()

    async def send(self, socket: EngineSocket) -> None:
        """All that waits. Raises APIError; what was not sent stays."""
        async with self._sending:
            while self._waiting:
                item = self._waiting[0]
                await socket.send(item)
                if self._waiting and self._waiting[0] is item:  # or it was forgotten meanwhile
                    self._waiting.popleft()
                    if isinstance(item, bytes):
                        self._sound_bytes -= len(item)

    def _seconds(self, pcm_bytes: int) -> float:
        return pcm_bytes / _SAMPLE_BYTES / self._rate
