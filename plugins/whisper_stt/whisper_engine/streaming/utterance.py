"""One stream's sound and the decoder that hears it: who is fed what, and what is known already."""

from dataclasses import dataclass

from whisper_engine.model import Decoder, Heard
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.streaming.hearing import Utterance

TAIL = round(0.15 * SAMPLE_RATE)
"""Samples after the last speech that a decoder gets: more would only be noise."""


@dataclass(frozen=True)
class _Settled:
    utterance: Utterance
    heard: Heard


class Sound:
    """Keeps the sound that may still be asked for. Positions are samples since the stream's start."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._pcm = bytearray()
        self._first = 0
        self._fed: int | None = None
        self._settled: _Settled | None = None

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

    async def feed(self, utterance: Utterance, until: int, *, least: int = 1) -> None:
        """Give the decoder what it lacks, if that is `least` samples.

        After a settled text that is the whole utterance again.
        """
        start = utterance.start if self._fed is None else self._fed
        self._settled = None
        if until - start >= least:
            self._fed = until
            await self._decoder.feed(self.read(start, until))

    async def interim(self) -> Heard:
        return await self._decoder.interim()

    async def settle(self, utterance: Utterance, heard_until: int) -> Heard:
        """What the utterance is, as if it ended at `utterance.end`; asked twice, the same object."""
        if self._settled and self._settled.utterance == utterance:
            return self._settled.heard
        until = min(heard_until, utterance.end + TAIL)
        if self._fed is not None and self._fed > until:
            await self.cancel()  # it is cut at a pause that lies back
        await self.feed(utterance, until)
        heard = await self._decoder.finish()
        self._fed = None
        self._settled = _Settled(utterance, heard)
        return heard

    async def cancel(self) -> None:
        self._settled = None
        if self._fed is not None:
            self._fed = None
            await self._decoder.reset()
