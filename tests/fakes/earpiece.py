"""A caller's ear: what reaches it, sample by sample, in the loop's own time."""

import asyncio

import numpy as np
import numpy.typing as npt
from livekit import rtc

from tests.fakes.models import RATE, Listener

Samples = npt.NDArray[np.int16]


class Earpiece(Listener):
    """A listener that keeps what it heard, the silence between two speeches as well."""

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__()
        self.taken = 0.0
        self._delay = delay
        self.opened = asyncio.get_running_loop().time()
        self._sounds: list[tuple[float, Samples]] = []
        self._plays_until = self.opened

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        if self._delay:
            await asyncio.sleep(self._delay)
        await super().capture_frame(frame)
        starts = max(self._plays_until, asyncio.get_running_loop().time())
        self._sounds.append((starts, np.frombuffer(frame.data, np.int16).copy()))
        self._plays_until = starts + frame.duration
        self.taken += frame.duration

    def clear_buffer(self) -> None:
        now = asyncio.get_running_loop().time()
        self._sounds = [
            (start, pcm[: max(0, round((now - start) * RATE))]) for start, pcm in self._sounds
        ]
        self._plays_until = min(self._plays_until, now)
        super().clear_buffer()

    def recording(self) -> Samples:
        """All that was heard since this was made."""
        length = round((self._plays_until - self.opened) * RATE)
        line = np.zeros(length, np.int16)
        for start, pcm in self._sounds:
            at = round((start - self.opened) * RATE)
            line[at : at + len(pcm)] = pcm[: max(0, length - at)]
        return line
