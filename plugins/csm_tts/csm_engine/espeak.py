"""The espeak-ng program's owner: hands it one sentence at a time, starts it again when it dies."""

import asyncio
import json
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

from csm_engine.espeak_program import AUDIO, DONE, FAILED, HEADER, READY
from csm_engine.model import SpeakError

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 5.0
"""The program answers in milliseconds; one that says nothing for this long is ended."""

MAX_WAITING = 256


class _Job:
    """One sentence. What is made of it and not yet taken is bounded by the sentence's length."""

    def __init__(self, id: int, text: str, language: str) -> None:
        self.id = id
        self.request: Mapping[str, int | str] = {"id": id, "text": text, "language": language}
        self.heard: asyncio.Queue[bytes | SpeakError | None] = asyncio.Queue()
        self.abandoned = False


class Espeak:
    """Speaks for any number of callers, one sentence after the other."""

    def __init__(self, command: tuple[str, ...] | None = None) -> None:
        self._command = command or (sys.executable, "-m", "csm_engine.espeak_program")
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue(MAX_WAITING)
        self._last_id = 0
        self._process: Process | None = None
        self.rate = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Raises SpeakError when the program does not start."""
        await self._start()
        try:
            async with asyncio.TaskGroup() as group:
                worker = group.create_task(self._work())
                yield
                worker.cancel()
        finally:
            await self._stop()

    async def speak(self, text: str, language: str) -> AsyncGenerator[bytes, None]:
        """s16le mono at `rate` Hz, in the program's own pieces. Raises SpeakError."""
        self._last_id += 1
        job = _Job(self._last_id, text, language)
        try:
            self._jobs.put_nowait(job)
        except asyncio.QueueFull:
            raise SpeakError("too many sentences are waiting", retryable=True) from None
        try:
            while (piece := await job.heard.get()) is not None:
                if isinstance(piece, SpeakError):
                    raise piece
                yield piece
        finally:
            job.abandoned = True

    async def _work(self) -> None:
        while True:
            job = await self._jobs.get()
            if job.abandoned:
                continue
            try:
                async with asyncio.timeout(ANSWER_SECONDS) as limit:
                    await self._perform(job, limit)
            except SpeakError as error:
                job.heard.put_nowait(error)
            except (OSError, EOFError, TimeoutError):
                logger.warning("espeak-ng stopped in a sentence; it is started again")
                await self._stop()
                job.heard.put_nowait(SpeakError("espeak-ng stopped", retryable=True))
            else:
                job.heard.put_nowait(None)

    async def _perform(self, job: _Job, limit: asyncio.Timeout) -> None:
        if self._process is None or self._process.returncode is not None:
            await self._start()
        await self._write(job.request)
        cancelled = False
        while True:
            kind, id, payload = await self._read()
            limit.reschedule(asyncio.get_running_loop().time() + ANSWER_SECONDS)
            if id != job.id:
                continue
            if kind == DONE:
                return
            if kind == FAILED:
                raise SpeakError(payload.decode(), retryable=False)
            if kind == AUDIO and not job.abandoned:
                job.heard.put_nowait(payload)
            if job.abandoned and not cancelled:
                cancelled = True
                await self._write({"cancel": job.id})

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                kind, _, payload = await self._read()
        except (EOFError, TimeoutError):
            kind, payload = FAILED, b"espeak-ng does not start"
        if kind != READY:
            await self._stop()
            raise SpeakError(payload.decode(), retryable=True)
        self.rate = int(payload)

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def _read(self) -> tuple[bytes, int, bytes]:
        assert self._process is not None
        assert self._process.stdout is not None
        kind, id, length = HEADER.unpack(await self._process.stdout.readexactly(HEADER.size))
        return kind, id, await self._process.stdout.readexactly(length)

    async def _write(self, message: Mapping[str, int | str]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        await self._process.stdin.drain()
