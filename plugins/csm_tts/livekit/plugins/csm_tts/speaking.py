"""One attempt at speaking a text: sentences out, sound in, what fails left out."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from livekit import rtc
from livekit.agents import APIError, tts
from livekit.agents.types import TimedString
from livekit.plugins.csm_tts.budget import Budget
from livekit.plugins.csm_tts.errors import api_errors, only_api_error
from livekit.plugins.csm_tts.line import Line
from livekit.plugins.csm_tts.phrasing import sentences
from livekit.plugins.csm_tts.socket import Utterance

from csm_engine.protocol import SAMPLE_RATE, AudioDone, Failed

_IN_FLIGHT = 2
"""Sentences sent beyond the one being heard: enough to leave no gap, little to throw away."""
_SAMPLE_BYTES = 2
_SILENCE = bytes(SAMPLE_RATE // 50 * _SAMPLE_BYTES)
"""20 ms, for a text with nothing in it to speak: LiveKit takes no sound at all for a failure."""


@dataclass(frozen=True)
class Report:
    """What the stream wants to know while an attempt runs."""

    connected: Callable[[float, bool], None]
    """Seconds it took to get a socket, and whether that was open already."""
    started: Callable[[], None]
    skipped: Callable[[APIError], None]


class Speaking:
    """Pushes into an emitter that has its segment. Raises only APIError kinds."""

    def __init__(
        self, line: Line, emitter: tts.AudioEmitter, budget: Budget, timeout: float, report: Report
    ) -> None:
        self._line = line
        self._emitter = emitter
        self._budget = budget
        self._timeout = timeout
        self._report = report
        self._asked: asyncio.Queue[str | None] = asyncio.Queue(_IN_FLIGHT)
        self._failure: APIError | None = None

    async def run(self, id: str, text: AsyncIterable[object]) -> None:
        """Speak `text` (see `phrasing.sentences`) as utterance `id`."""
        async with aclosing(sentences(text)) as spoken:
            first = await anext(spoken, "")
            if not first:
                return
            try:
                await self._speak(id, first, spoken)
            except APIError as error:
                # Whoever retries starts at the first word: not after the caller has heard it.
                error.retryable = error.retryable and not self._budget.pushed
                raise
        if self._failure and not self._budget.pushed:
            raise self._failure

    def ensure_sound(self) -> None:
        if not self._budget.pushed:
            self._push(_SILENCE)

    async def _speak(self, id: str, first: str, rest: AsyncGenerator[str, None]) -> None:
        began = time.perf_counter()
        async with self._line.lease(self._timeout) as (socket, kept):
            self._report.connected(time.perf_counter() - began, kept)
            async with socket.utterance(id, self._budget) as utterance:
                try:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._ask(utterance, first, rest))
                        while (sentence := await self._asked.get()) is not None:
                            await self._hear(utterance, sentence)
                except ExceptionGroup as errors:
                    error = only_api_error(errors)
                    if error is None:
                        raise
                    raise error from error.__cause__

    async def _ask(self, utterance: Utterance, first: str, rest: AsyncGenerator[str, None]) -> None:
        self._report.started()
        await self._say(utterance, first)
        async for sentence in rest:
            await self._say(utterance, sentence)
        await utterance.finish()
        await self._asked.put(None)

    async def _say(self, utterance: Utterance, sentence: str) -> None:
        await self._asked.put(sentence)
        await utterance.say(sentence.strip())

    async def _hear(self, utterance: Utterance, sentence: str) -> None:
        """One sentence, to its end. Its text goes out before its first sound, and only then."""
        failure: APIError | None = None
        began = False
        while True:
            await self._budget.room()
            with api_errors("it spoke"):
                async with asyncio.timeout(self._timeout):
                    event = await utterance.receive()
            match event:
                case bytes():
                    if not began:
                        began = True
                        text = TimedString(sentence, start_time=self._budget.pushed)
                        self._emitter.push_timed_transcript(text)
                    self._push(event)
                case Failed():
                    failure = APIError(f"CSM engine: {event.message}", retryable=event.retryable)
                case AudioDone():
                    break
        if failure is None and not began:
            failure = APIError("the CSM engine made no sound for a sentence")
        if failure is not None:
            self._failure = failure
            self._report.skipped(failure)

    def _push(self, pcm: bytes) -> None:
        samples = len(pcm) // _SAMPLE_BYTES
        self._emitter.push_frame(rtc.AudioFrame(pcm, SAMPLE_RATE, 1, samples))
        self._budget.push(samples / SAMPLE_RATE)
