"""The sound of one stream that may still be asked for."""


class Sound:
    """s16le, mono, 16 kHz. Positions are samples since the stream's start."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._first = 0

    @property
    def end(self) -> int:
        return self._first + len(self._pcm) // 2

    def add(self, pcm: bytes) -> None:
        self._pcm += pcm

    def forget_before(self, position: int) -> None:
        drop = min(max(position, self._first), self.end) - self._first
        del self._pcm[: 2 * drop]
        self._first += drop

    def read(self, start: int, end: int) -> bytes:
        return bytes(self._pcm[2 * (start - self._first) : 2 * (end - self._first)])
