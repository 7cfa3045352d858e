"""One call's hearing: decides what to decode and tells what was heard, one thing at a time."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import BaseModel

from parley_serving import RefusedError
from whisper_engine.metrics import Metrics
from whisper_engine.model import Decoder, Heard, Kind, Model, Request
from whisper_engine.protocol import (
    SAMPLE_RATE,
    Cancel,
    ClientMessage,
    End,
    Ended,
    Flush,
    SpeechEnded,
    SpeechStarted,
    Start,
)
from whisper_engine.streaming.decodes import Decodes
from whisper_engine.streaming.hearing import (
    Due,
    FinalDue,
    Hearing,
    InterimDue,
    Policy,
    PreflightDue,
    SpeechEnds,
    SpeechStarts,
    Utterance,
)
from whisper_engine.streaming.inbox import BEHIND, Drain, Inbox, Made
from whisper_engine.streaming.requests import Requests
from whisper_engine.streaming.sound import Sound
from whisper_engine.streaming.telling import Telling
from whisper_engine.streaming.vad import WINDOW, Vad

CHUNK = 16 * WINDOW
"""Most samples that are decided on before another stream has its turn."""


class Channel(Protocol):
    """A client: the native socket, or another door that speaks like it."""

    async def receive(self) -> ClientMessage | bytes: ...

    async def send(self, message: BaseModel) -> None: ...


@dataclass(frozen=True)
class Shared:
    """What the streams of an engine have in common.

    `pause`: instead of what the model has time for. `behind`: seconds of sound waiting from which on
    interims are not made.
    """

    model: Model
    metrics: Metrics
    draining: asyncio.Event
    policy: Policy = field(default_factory=Policy)
    pause: float | None = None
    behind: float = BEHIND


class Stream:
    """Joins `Hearing`, which decides, and `Decodes`, which asks the model, to one client."""

    def __init__(
        self,
        channel: Channel,
        decoder: Decoder,
        inbox: Inbox,
        *,
        start: Start,
        shared: Shared,
        group: asyncio.TaskGroup,
    ) -> None:
        self._channel = channel
        self._inbox = inbox
        self._start = start
        self._shared = shared
        self._sound = Sound()
        self._vad = Vad()
        self._hearing = Hearing(shared.policy)
        self._requests = Requests(self._sound)
        self._decodes = Decodes(decoder, inbox, group)
        self._telling = Telling(start.language)

    async def hear(self) -> None:
        """Returns after `end`. Raises RefusedError when the engine stops and nothing is in hand."""
        draining = False
        while not (draining and self._hearing.open is None):
            match await self._inbox.get():
                case bytes() as pcm:
                    await self._take_audio(pcm)
                case Made() as made:
                    await self._take_made(made)
                case Flush(id=id_):
                    await self._flush(id_)
                case Cancel():
                    self._hearing.take()
                    self._forget()
                case End():
                    await self._end()
                    return
                case Drain():
                    draining = True
        raise RefusedError("stopping", "the engine is stopping", retryable=True)

    async def _take_audio(self, pcm: bytes) -> None:
        self._sound.add(pcm)
        while (windows := (self._sound.end - self._hearing.position) // WINDOW) > 0:
            begin = self._hearing.position
            end = begin + min(windows * WINDOW, CHUNK)
            pace = self._shared.model.pace
            pause = self._shared.pause or pace.pause
            for probability in self._vad.probabilities(self._sound.read(begin, end)):
                for due in self._hearing.step(probability, interim=pace.interim, pause=pause):
                    await self._do(due)
                self._decodes.resumed(self._hearing.open)
            await asyncio.sleep(0)
        self._sound.forget_before(self._hearing.keep_from)

    async def _do(self, due: Due) -> None:
        match due:
            case SpeechStarts(at=at):
                await self._channel.send(SpeechStarted(at=at / SAMPLE_RATE))
            case SpeechEnds(at=at):
                await self._channel.send(SpeechEnded(at=at / SAMPLE_RATE))
            case InterimDue():
                self._ask_interim()
            case PreflightDue(utterance=utterance):
                self._speculate(utterance)
            case FinalDue(utterance=utterance, cut=cut):
                heard = await self._settle(utterance)
                if heard.text:
                    await self._tell_final(None, utterance, heard)
                self._forget()
                if cut:
                    self._requests.context = heard.text

    def _ask_interim(self) -> None:
        utterance, pace = self._hearing.open, self._shared.model.pace
        first = not self._telling.shown
        wanted = pace.first_interim if first else pace.interim is not None
        if utterance is None or not (self._start.interim_results and wanted) or self._is_late():
            return
        kind = Kind.FIRST_INTERIM if first else Kind.INTERIM
        request = self._requests.interim(kind, utterance, self._hearing.position)
        self._decodes.interim(utterance, request)

    def _speculate(self, utterance: Utterance) -> None:
        if self._shared.model.pace.speculative and not self._is_late():
            request = self._whole(Kind.SPECULATIVE, utterance)
            self._decodes.speculate(utterance, request)

    def _whole(self, kind: Kind, utterance: Utterance) -> Request:
        tail = self._shared.model.pace.tail
        return self._requests.whole(kind, utterance, self._hearing.position, tail)

    def _is_late(self) -> bool:
        if not self._inbox.behind:
            return False
        self._shared.metrics.late.inc()
        return True

    async def _take_made(self, made: Made) -> None:
        utterance = self._hearing.open
        if utterance is None or utterance.start != made.utterance.start:
            return
        if made.kind is Kind.SPECULATIVE and utterance == made.utterance:
            self._requests.settled(utterance, made.heard.text)
            self._shared.metrics.speculative_ready.observe(self._hearing.silence / SAMPLE_RATE)
            if preflight := self._telling.preflight(utterance, made.heard):
                await self._channel.send(preflight)
        elif made.kind is not Kind.SPECULATIVE and self._hearing.talking:
            heard = self._requests.completed(made.heard)
            if interim := self._telling.interim(made.utterance, heard):
                await self._channel.send(interim)

    async def _settle(self, utterance: Utterance) -> Heard:
        request = self._whole(Kind.FINAL, utterance)
        heard, speculated = await self._decodes.final(utterance, request)
        self._shared.metrics.settled(speculated)
        return heard

    async def _flush(self, id_: str | None) -> None:
        began = time.monotonic()
        utterance, heard = self._hearing.open, Heard()
        if utterance is None:
            utterance = _nothing_at(self._hearing.position)
        else:
            heard = await self._settle(utterance)
        self._hearing.take()
        await self._tell_final(id_, utterance, heard)
        self._forget()
        self._shared.metrics.flush_to_final.observe(time.monotonic() - began)

    async def _end(self) -> None:
        if utterance := self._hearing.open:
            await self._tell_final(None, utterance, await self._settle(utterance))
        self._forget()
        await self._channel.send(Ended(audio_seconds=self._sound.end / SAMPLE_RATE))

    async def _tell_final(self, id_: str | None, utterance: Utterance, heard: Heard) -> None:
        self._shared.metrics.final(by_client=id_ is not None, words=bool(heard.text))
        await self._channel.send(self._telling.final(id_, utterance, heard))

    def _forget(self) -> None:
        self._decodes.drop()
        self._requests.forget()
        self._telling.forget()


def _nothing_at(position: int) -> Utterance:
    return Utterance(position, position, position)
