"""One call's hearing: decides, decodes and answers, one message at a time."""

import asyncio
import time
from dataclasses import dataclass

from parley_serving import RefusedError, Socket
from whisper_engine.metrics import Metrics
from whisper_engine.model import Heard, HeardWord, Model
from whisper_engine.protocol import (
    SAMPLE_RATE,
    Cancel,
    ClientMessage,
    End,
    Ended,
    Final,
    Flush,
    Interim,
    Preflight,
    SpeechEnded,
    SpeechStarted,
    Start,
    Word,
)
from whisper_engine.streaming.hearing import (
    Due,
    FinalDue,
    Hearing,
    InterimDue,
    PreflightDue,
    SpeechEnds,
    SpeechStarts,
    Utterance,
)
from whisper_engine.streaming.inbox import BEHIND, Drain, Inbox
from whisper_engine.streaming.utterance import Sound
from whisper_engine.streaming.vad import WINDOW, Vad

FEED = SAMPLE_RATE // 10
"""Samples that are worth a trip to the decoder when nothing is due."""


@dataclass(frozen=True)
class Shared:
    """What the streams of an engine have in common.

    `behind`: seconds of sound waiting from which on interims are not made.
    """

    model: Model
    metrics: Metrics
    draining: asyncio.Event
    behind: float = BEHIND


class Stream:
    """Joins `Hearing`, which decides, and `Sound`, which decodes, to one client."""

    def __init__(
        self,
        socket: Socket[ClientMessage],
        sound: Sound,
        inbox: Inbox,
        start: Start,
        shared: Shared,
    ) -> None:
        self._socket = socket
        self._sound = sound
        self._inbox = inbox
        self._start = start
        self._shared = shared
        self._vad = Vad()
        self._hearing = Hearing()
        self._shown = ""
        self._told = ""

    async def hear(self) -> None:
        """Returns after `end`. Raises RefusedError when the engine stops and nothing is in hand."""
        draining = False
        while not (draining and self._hearing.open is None):
            match await self._inbox.get():
                case bytes() as pcm:
                    await self._take_audio(pcm)
                case Flush(id=id_):
                    await self._flush(id_)
                case Cancel():
                    self._hearing.take()
                    await self._sound.cancel()
                case End():
                    await self._end()
                    return
                case Drain():
                    draining = True
        raise RefusedError("stopping", "the engine is stopping", retryable=True)

    async def _take_audio(self, pcm: bytes) -> None:
        self._sound.add(pcm)
        while self._sound.end - self._hearing.position >= WINDOW:
            begin = self._hearing.position
            window = self._sound.read(begin, begin + WINDOW)
            for due in self._hearing.step(self._vad.probability(window)):
                await self._do(due)
        if self._hearing.talking and (utterance := self._hearing.open):
            await self._sound.feed(utterance, self._hearing.position, least=FEED)
        self._sound.forget_before(self._hearing.keep_from)

    async def _do(self, due: Due) -> None:
        match due:
            case SpeechStarts(at=at):
                await self._socket.send(SpeechStarted(at=at / SAMPLE_RATE))
            case SpeechEnds(at=at):
                await self._socket.send(SpeechEnded(at=at / SAMPLE_RATE))
            case InterimDue():
                await self._interim()
            case PreflightDue(utterance=utterance):
                await self._preflight(utterance)
            case FinalDue(utterance=utterance):
                heard = await self._sound.settle(utterance, self._hearing.position)
                if heard.text:
                    await self._final(None, utterance, heard)
                await self._sound.cancel()

    async def _interim(self) -> None:
        utterance = self._hearing.open
        if utterance is None or not self._start.interim_results or self._is_stale():
            return
        await self._sound.feed(utterance, self._hearing.position)
        heard = await self._sound.interim()
        if not heard.text or heard.text == self._shown:
            return
        stable = _shared_words(self._shown, heard.text)
        self._shown = heard.text
        await self._socket.send(
            Interim(
                text=heard.text,
                start=utterance.onset / SAMPLE_RATE,
                end=utterance.end / SAMPLE_RATE,
                language=self._start.language,
                confidence=heard.confidence,
                stable_chars=stable,
            )
        )

    async def _preflight(self, utterance: Utterance) -> None:
        if self._is_stale():
            return
        heard = await self._sound.settle(utterance, self._hearing.position)
        if not heard.text or heard.text == self._told:
            return
        self._told = heard.text
        await self._socket.send(
            Preflight(
                text=heard.text,
                start=utterance.onset / SAMPLE_RATE,
                end=utterance.end / SAMPLE_RATE,
                language=self._start.language,
                confidence=heard.confidence,
            )
        )

    def _is_stale(self) -> bool:
        if not self._inbox.behind:
            return False
        self._shared.metrics.dropped_interims.inc()
        return True

    async def _flush(self, id_: str | None) -> None:
        began = time.monotonic()
        utterance = self._hearing.open
        heard = Heard()
        if utterance is None:
            utterance = Utterance(*[self._hearing.position] * 3)
        else:
            heard = await self._sound.settle(utterance, self._hearing.position)
        self._hearing.take()
        await self._final(id_, utterance, heard)
        await self._sound.cancel()
        self._shared.metrics.flush_to_final.observe(time.monotonic() - began)

    async def _end(self) -> None:
        if utterance := self._hearing.open:
            heard = await self._sound.settle(utterance, self._hearing.position)
            await self._final(None, utterance, heard)
        await self._socket.send(Ended(audio_seconds=self._sound.end / SAMPLE_RATE))

    async def _final(self, id_: str | None, utterance: Utterance, heard: Heard) -> None:
        self._shown = self._told = ""
        self._shared.metrics.finals.labels(
            "engine" if id_ is None else "client", "yes" if heard.text else "no"
        ).inc()
        await self._socket.send(
            Final(
                id=id_,
                text=heard.text,
                words=tuple(_on_stream(word, utterance.start) for word in heard.words),
                start=utterance.onset / SAMPLE_RATE,
                end=utterance.end / SAMPLE_RATE,
                language=self._start.language,
                confidence=heard.confidence,
            )
        )


def _on_stream(word: HeardWord, start: int) -> Word:
    offset = start / SAMPLE_RATE
    return Word(
        text=word.text,
        start=round(offset + word.start, 3),
        end=round(offset + word.end, 3),
        confidence=word.confidence,
    )


def _shared_words(one: str, other: str) -> int:
    """Characters of the leading whole words that both texts have."""
    shared: list[str] = []
    for left, right in zip(one.split(), other.split(), strict=False):
        if left != right:
            break
        shared.append(left)
    return len(" ".join(shared))
