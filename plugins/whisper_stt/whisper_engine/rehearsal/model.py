"""The rehearsal model of hearing: PocketSphinx. Small vocabulary, no download, no GPU."""

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from whisper_engine.config import RehearsalSettings
from whisper_engine.model import Decoder, Heard, HearError, Kind, Pace, Request, Span
from whisper_engine.protocol import SAMPLE_RATE, Start
from whisper_engine.rehearsal.sphinx import PIECE_BYTES, Listener, Vocabulary, make_vocabulary

logger = logging.getLogger(__name__)

THREADS = 1
"""The library decodes with Python's lock held: a second one would only wait."""

PART_BYTES = 8 * PIECE_BYTES
"""What one stream has decoded before another's turn comes: 30 ms of work, and one turn of the loop."""

BUILT_AT_START = 2
INTERIMS = frozenset({Kind.INTERIM, Kind.FIRST_INTERIM})

ResultT = TypeVar("ResultT")


class Rehearsal:
    """Listeners are built off the event loop, lent to one stream at a time, and kept."""

    name = "rehearsal"
    languages = ("en",)
    pace = Pace(interim=0.1)
    """An interim costs no more than the sound that is new: hearing is spread over the speech, so that
    little of it is left to do when the speaker stops."""
    has_room = True

    def __init__(self, phrases: Path | None, waits: RehearsalSettings | None = None) -> None:
        self._phrases = phrases
        self._waits = waits or RehearsalSettings()
        self._threads = ThreadPoolExecutor(THREADS, "hear")
        self._idle: list[Listener] = []
        self._vocabulary: Vocabulary | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Raises OSError when the phrases cannot be read."""
        with tempfile.TemporaryDirectory(prefix="whisper-engine-") as folder:
            self._vocabulary = await self._call(lambda: _load(self._phrases, Path(folder)))
            self._idle = [await self._build() for _ in range(BUILT_AT_START)]
            async with self.decoder(Start()) as decoder:
                half = SAMPLE_RATE // 2
                await decoder.decode(Request(Kind.FINAL, bytes(2 * half), 0, (Span(0, half),)))
            try:
                yield
            finally:
                self._threads.shutdown(cancel_futures=True)
                self._idle.clear()

    @contextlib.asynccontextmanager
    async def decoder(self, start: Start) -> AsyncIterator[Decoder]:
        """`start` changes nothing here: one language, and the grammar is the engine's."""
        listener = self._idle.pop() if self._idle else await self._build()
        stream = _Stream(listener, self._threads, self._waits)
        try:
            yield stream
        finally:
            await stream.release()
            self._idle.append(listener)

    async def _build(self) -> Listener:
        vocabulary = self._vocabulary
        if vocabulary is None:
            raise RuntimeError("the model is not running")
        return await self._call(lambda: Listener(vocabulary))

    async def _call(self, work: Callable[[], ResultT]) -> ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class _Stream:
    """A listener lent to one stream. It hears as sound comes, so it is fed only what is new.

    Work in a thread cannot be stopped, only waited for.
    """

    def __init__(
        self, listener: Listener, threads: ThreadPoolExecutor, waits: RehearsalSettings
    ) -> None:
        self._listener = listener
        self._threads = threads
        self._waits = waits
        self._turn = asyncio.Lock()
        self._working: asyncio.Future | None = None
        self._start: int | None = None
        self._fed = 0

    async def decode(self, request: Request) -> Heard:
        is_interim = request.kind in INTERIMS
        takes = self._waits.interim if is_interim else self._waits.final
        return await no_sooner(self._heard(request, is_interim=is_interim), takes)

    async def _heard(self, request: Request, *, is_interim: bool) -> Heard:
        async with self._turn:
            await self._settle()
            await self._feed(request)
            if is_interim:
                return await self._call(self._listener.interim)
            self._start = None
            return await self._call(self._listener.finish)

    def promote(self) -> None:
        """There is nothing to overtake."""

    async def release(self) -> None:
        async with self._turn:
            await self._settle()
            await self._call(self._listener.reset)

    async def _settle(self) -> None:
        """After a cancelled call its work may still run: the next one must not meet it."""
        if self._working is not None:
            await asyncio.wait({self._working})

    async def _feed(self, request: Request) -> None:
        if request.start != self._start or len(request.pcm) < self._fed:
            await self._call(self._listener.reset)
            self._start, self._fed = request.start, 0
        while self._fed < len(request.pcm):
            part = request.pcm[self._fed : self._fed + PART_BYTES]
            self._fed += len(part)
            await self._call(partial(self._listener.feed, part))

    async def _call(self, work: Callable[[], ResultT]) -> ResultT:
        job = asyncio.get_running_loop().run_in_executor(self._threads, work)
        self._working = job
        try:
            return await asyncio.shield(job)
        except RuntimeError as error:
            raise HearError("PocketSphinx failed") from error


async def no_sooner(work: Awaitable[ResultT], seconds: float) -> ResultT:
    """What `work` gives, as late as a machine that takes so long would give it."""
    clock = asyncio.get_running_loop().time
    due = clock() + seconds
    result = await work
    if (wait := due - clock()) > 0:
        await asyncio.sleep(wait)
    return result


def _load(phrases: Path | None, folder: Path) -> Vocabulary:
    lines = None if phrases is None else phrases.read_text(encoding="utf-8").splitlines()
    vocabulary = make_vocabulary(lines, folder)
    if vocabulary.grammar is not None and vocabulary.grammar.skipped:
        logger.warning(
            "phrases left out: the dictionary lacks a word of each",
            extra={"skipped": vocabulary.grammar.skipped},
        )
    return vocabulary
