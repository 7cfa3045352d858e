"""One attempt at speaking a text: sentences out, sound in, what fails left out."""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, APITimeoutError, tts
from livekit.agents.types import TimedString
from livekit.plugins.csm_tts.budget import Budget
from livekit.plugins.csm_tts.errors import api_errors, one_api_error
from livekit.plugins.csm_tts.line import Line
from livekit.plugins.csm_tts.script import Script
from livekit.plugins.csm_tts.socket import EngineSocket, Utterance
from livekit.plugins.csm_tts.spoken import Spoken

from csm_engine.protocol import SAMPLE_RATE, AudioDone, Failed, InputCancel

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
    said: Callable[[EngineSocket, str, str, float], None]
    """A sentence of an utterance has begun to sound, so many seconds into that."""
    went_on: Callable[[APIError], None]
    """Something failed, and the speech goes on after it."""


@dataclass(frozen=True)
class _Part:
    """What is said on one socket, from `start` seconds of the stream's sound on."""

    socket: EngineSocket
    utterance: Utterance
    start: float


class Speaking:
    """Pushes into an emitter that has its segment. Raises only APIError kinds."""

    def __init__(
        self,
        line: Line,
        emitter: tts.AudioEmitter,
        spoken: Spoken,
        options: APIConnectOptions,
        report: Report,
    ) -> None:
        self._line = line
        self._emitter = emitter
        self._spoken = spoken
        self._budget: Budget = spoken.budget
        self._options = options
        self._report = report
        self._script = Script()
        self._failure: APIError | None = None
        self._began = False
        """Whether some of the sentence that is being heard was pushed."""

    async def run(self, id: str, sentences: AsyncGenerator[str, None]) -> None:
        """Speak them as utterance `id`; after the loss of an engine as `id-1`, and so on."""
        with one_api_error():
            async with aclosing(sentences), asyncio.TaskGroup() as group:
                filling = group.create_task(self._script.fill(sentences))
                await self._speak_all(id)
                filling.cancel()
        if self._failure and not self._budget.pushed:
            raise self._failure

    def ensure_sound(self) -> None:
        if not self._budget.pushed:
            self._push(_SILENCE)

    async def _speak_all(self, id: str) -> None:
        failures = 0
        for part in itertools.count():
            if not await self._script.more():
                return
            settled = self._script.settled_count
            utterance, pushed = f"{id}-{part}" if part else id, self._budget.pushed
            try:
                await self._speak(utterance)
            except APIError as error:
                progress = self._began or self._script.settled_count > settled
                failures = 1 if progress else failures + 1
                self._recover(error, failures)
                arrived = round((self._budget.pushed - pushed) * 1000)
                self._line.tell(InputCancel(utterance=utterance, played_ms=arrived))
                if failures > 1:
                    await asyncio.sleep(self._options.retry_interval)

    def _recover(self, error: APIError, failures: int) -> None:
        """Raises what nothing more can be done about. No word is said twice.

        Before the first sound LiveKit's own retry begins again at the first word. After it what has
        not sounded goes to the next engine; of a sentence that has, the rest is lost.
        """
        if not self._budget.pushed:
            raise error
        if not error.retryable or failures > self._options.max_retry:
            error.retryable = False
            raise error
        if self._began:
            self._began = False
            self._script.settled()
        self._script.rewind()
        self._report.went_on(error)

    async def _speak(self, id: str) -> None:
        began = time.perf_counter()
        async with self._line.lease(self._options.timeout) as (socket, kept):
            self._report.connected(time.perf_counter() - began, kept)
            self._spoken.begin(id)
            try:
                async with socket.utterance(id, self._spoken.played) as utterance:
                    with one_api_error():
                        await self._exchange(socket, utterance)
            except APITimeoutError as error:
                socket.give_up(error)
                raise

    async def _exchange(self, socket: EngineSocket, utterance: Utterance) -> None:
        asked: asyncio.Queue[str | None] = asyncio.Queue(_IN_FLIGHT)
        part = _Part(socket, utterance, self._budget.pushed)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ask(utterance, asked))
            while (sentence := await asked.get()) is not None:
                await self._hear(part, sentence)
                self._script.settled()

    async def _ask(self, utterance: Utterance, asked: asyncio.Queue[str | None]) -> None:
        self._report.started()
        while (sentence := await self._script.take()) is not None:
            await asked.put(sentence)
            await utterance.say(sentence.strip())
        await utterance.finish()
        await asked.put(None)

    async def _hear(self, part: _Part, sentence: str) -> None:
        """One sentence, to its end. Its text goes out before its first sound, and only then."""
        failure: APIError | None = None
        self._began = False
        while True:
            await self._budget.room()
            with api_errors("it spoke"):
                async with asyncio.timeout(self._options.timeout):
                    event = await part.utterance.receive()
            match event:
                case bytes():
                    if not self._began:
                        self._begin(part, sentence)
                    self._push(event)
                case Failed():
                    failure = APIError(f"CSM engine: {event.message}", retryable=event.retryable)
                case AudioDone():
                    break
        if failure is None and not self._began:
            failure = APIError("the CSM engine made no sound for a sentence")
        self._began = False
        if failure is not None:
            self._failure = failure
            self._report.went_on(failure)

    def _begin(self, part: _Part, sentence: str) -> None:
        self._began = True
        at = self._budget.pushed
        self._emitter.push_timed_transcript(TimedString(sentence, start_time=at))
        self._report.said(part.socket, part.utterance.id, sentence.strip(), at - part.start)

    def _push(self, pcm: bytes) -> None:
        samples = len(pcm) // _SAMPLE_BYTES
        self._emitter.push_frame(rtc.AudioFrame(pcm, SAMPLE_RATE, 1, samples))
        self._budget.push(samples / SAMPLE_RATE)
