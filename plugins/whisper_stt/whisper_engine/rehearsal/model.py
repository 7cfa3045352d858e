"""The rehearsal model of hearing: PocketSphinx. Small vocabulary, no download, no GPU."""

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from whisper_engine.model import Decoder, Heard, HearError
from whisper_engine.protocol import SAMPLE_RATE, Start
from whisper_engine.rehearsal.sphinx import PIECE_BYTES, Listener, Vocabulary, make_vocabulary

logger = logging.getLogger(__name__)

THREADS = 1
"""The library decodes with Python's lock held: a second one would only wait."""

BUILT_AT_START = 2

ResultT = TypeVar("ResultT")


class Rehearsal:
    """Listeners are built off the event loop, lent to one stream at a time, and kept."""

    name = "rehearsal"

    def __init__(self, phrases: Path | None) -> None:
        self._phrases = phrases
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
                await decoder.feed(bytes(2 * SAMPLE_RATE // 2))
                await decoder.finish()
            try:
                yield
            finally:
                self._threads.shutdown(cancel_futures=True)
                self._idle.clear()

    @contextlib.asynccontextmanager
    async def decoder(self, start: Start) -> AsyncIterator[Decoder]:
        """`start` changes nothing here: one language, and the grammar is the engine's."""
        listener = self._idle.pop() if self._idle else await self._build()
        stream = _Stream(listener, self._threads)
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
    """A listener lent to one stream. Work in a thread cannot be stopped, only waited for."""

    def __init__(self, listener: Listener, threads: ThreadPoolExecutor) -> None:
        self._listener = listener
        self._threads = threads
        self._working: asyncio.Future | None = None

    async def feed(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), PIECE_BYTES):
            await self._call(partial(self._listener.feed, pcm[start : start + PIECE_BYTES]))

    async def interim(self) -> Heard:
        return await self._call(self._listener.interim)

    async def finish(self) -> Heard:
        return await self._call(self._listener.finish)

    async def reset(self) -> None:
        await self._call(self._listener.reset)

    async def release(self) -> None:
        """After a cancelled call its work may still run: the next borrower must not meet it."""
        if self._working is not None:
            await asyncio.wait({self._working})
        await self.reset()

    async def _call(self, work: Callable[[], ResultT]) -> ResultT:
        job = asyncio.get_running_loop().run_in_executor(self._threads, work)
        self._working = job
        try:
            return await asyncio.shield(job)
        except RuntimeError as error:
            raise HearError("PocketSphinx failed") from error


def _load(phrases: Path | None, folder: Path) -> Vocabulary:
    lines = None if phrases is None else phrases.read_text(encoding="utf-8").splitlines()
    vocabulary = make_vocabulary(lines, folder)
    if vocabulary.grammar is not None and vocabulary.grammar.skipped:
        logger.warning(
            "phrases left out: the dictionary lacks a word of each",
            extra={"skipped": vocabulary.grammar.skipped},
        )
    return vocabulary
