"""What a new socket must be told when the old one is lost: the sound since the last final. Pure."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from whisper_engine.protocol import SAMPLE_RATE

LONGEST = 35 * SAMPLE_RATE
"""Samples kept: more than the engine's longest utterance. When full, the oldest go.

Silence is kept too: whether the engine has heard some sound yet is not known here.
"""


@dataclass(frozen=True)
class Asked:
    """A flush that has not been answered, asked for after the sample `at`."""

    id: str
    at: int


class Replay:
    """Positions are samples since the stream's start. `start` is the oldest sample kept."""

    def __init__(self) -> None:
        self._pcm: deque[bytes] = deque()
        self._asked: deque[Asked] = deque()
        self.start = 0
        self.end = 0

    @property
    def asked(self) -> bool:
        return bool(self._asked)

    def add_audio(self, pcm: bytes) -> None:
        self._pcm.append(pcm)
        self.end += len(pcm) // 2
        self._forget(self.end - LONGEST)

    def add_flush(self, id: str) -> None:
        self._asked.append(Asked(id, self.end))

    def answered(self, id: str) -> None:
        """A final came for this flush: what was said before it is done with."""
        while self._asked:
            asked = self._asked.popleft()
            if asked.id == id:
                self._forget(asked.at)
                return

    def decided(self, position: int) -> None:
        """A final came that the engine made by itself, of the sound before `position`."""
        self._forget(position)

    def items(self) -> Iterator[bytes | Asked]:
        """All to be said again, in order."""
        position = self.start
        asked = list(self._asked)
        for pcm in list(self._pcm):
            while asked and asked[0].at <= position:
                yield asked.pop(0)
            yield pcm
            position += len(pcm) // 2
        yield from asked

    def _forget(self, before: int) -> None:
        while self._pcm and self.start < before:
            first = self._pcm.popleft()
            drop = before - self.start
            if drop < len(first) // 2:
                self._pcm.appendleft(first[2 * drop :])
                self.start = before
                return
            self.start += len(first) // 2
