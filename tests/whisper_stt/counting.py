"""A model that says how much speech it was fed: a word for each 0.4 s, counted from one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from whisper_engine.model import Decoder, Heard, HeardWord, HearError, Kind, Pace, Request
from whisper_engine.protocol import SAMPLE_RATE, Start

WORDS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
]
WORD = round(0.4 * SAMPLE_RATE)


class Counting:
    """`lent` decoders are in use. While `may_work` is cleared they wait; `broken` makes them fail."""

    name = "counting"
    languages: tuple[str, ...] = ("en",)

    def __init__(self) -> None:
        self.pace = Pace()
        self.has_room = True
        self.lent = 0
        self.fed = 0
        self.promoted = 0
        self.requests: list[Request] = []
        self.broken = False
        self.started_with: list[Start] = []
        self.may_work = asyncio.Event()
        self.may_work.set()
        self.waits = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    @contextlib.asynccontextmanager
    async def decoder(self, start: Start) -> AsyncIterator[Decoder]:
        self.started_with.append(start)
        self.lent += 1
        try:
            yield _Counter(self)
        finally:
            self.lent -= 1


class _Counter:
    def __init__(self, model: Counting) -> None:
        self._model = model

    async def decode(self, request: Request) -> Heard:
        if self._model.broken:
            raise HearError("the card has fallen off the bus")
        self._model.requests.append(request)
        if not self._model.may_work.is_set():
            self._model.waits.set()
            await self._model.may_work.wait()
        samples = len(request.pcm) // 2
        self._model.fed += samples
        said = WORDS[: samples // WORD]
        step = WORD / SAMPLE_RATE
        words = tuple(
            HeardWord(word, number * step, (number + 1) * step, 0.9)
            for number, word in enumerate(said)
        )
        if request.kind in {Kind.INTERIM, Kind.FIRST_INTERIM}:
            words = ()
        return Heard(" ".join(said), words, 0.9 if said else 0.0)

    def promote(self) -> None:
        self._model.promoted += 1
