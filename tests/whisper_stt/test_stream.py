"""One stream on a model that answers when told to: what is asked for, overtaken, and kept."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from parley_serving import RefusedError
from whisper_engine.metrics import Metrics
from whisper_engine.model import Decoder, Heard, Kind, Pace, Request, UnknownLanguageError
from whisper_engine.protocol import (
    SAMPLE_RATE,
    ClientMessage,
    Final,
    Flush,
    Interim,
    Preflight,
    Start,
)
from whisper_engine.streaming.requests import GROWING
from whisper_engine.streaming.session import Session
from whisper_engine.streaming.stream import Shared

SILENCE = bytes(2 * SAMPLE_RATE)


@dataclass
class Asked:
    request: Request
    answer: asyncio.Future[Heard | None] = field(default_factory=asyncio.Future)


class Told:
    """A model, and its decoder: each decode waits until the test answers it.

    `interims` answers those at once.
    """

    name = "told"
    languages = ("en",)

    def __init__(self) -> None:
        self.pace = Pace()
        self.has_room = True
        self.asked: list[Asked] = []
        self.promoted = asyncio.Event()
        self.interims: Heard | None = None
        self._changed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    @contextlib.asynccontextmanager
    async def decoder(self, start: Start) -> AsyncIterator[Decoder]:
        if start.language == "tlh":
            raise UnknownLanguageError("this model hears en and de")
        yield self

    async def decode(self, request: Request) -> Heard | None:
        asked = Asked(request)
        async with self._changed:
            self.asked.append(asked)
            self._changed.notify_all()
        if self.interims and request.kind in {Kind.FIRST_INTERIM, Kind.INTERIM}:
            return self.interims
        return await asked.answer

    def promote(self) -> None:
        self.promoted.set()

    async def wait_for(self, kind: Kind, number: int = 1) -> Asked:
        """The `number`th request of this kind."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]

    def of(self, kind: Kind) -> list[Asked]:
        return [asked for asked in self.asked if asked.request.kind is kind]


class Line:
    """A client without a socket."""

    def __init__(self) -> None:
        self._to_engine: asyncio.Queue[ClientMessage | bytes] = asyncio.Queue()
        self._told: asyncio.Queue[BaseModel] = asyncio.Queue()

    async def receive(self) -> ClientMessage | bytes:
        return await self._to_engine.get()

    async def send(self, message: BaseModel) -> None:
        self._told.put_nowait(message)

    def say(self, *items: ClientMessage | bytes) -> None:
        for item in items:
            self._to_engine.put_nowait(item)

    async def until(self, kind: type[BaseModel]) -> Any:
        while not isinstance(message := await self._told.get(), kind):
            pass
        return message

    def unread(self) -> list[BaseModel]:
        return [self._told.get_nowait() for _ in range(self._told.qsize())]


@dataclass
class Call:
    line: Line
    model: Told


MakeCall = Callable[..., contextlib.AbstractAsyncContextManager[Call]]


@contextlib.asynccontextmanager
async def calling(model: Told | None = None, start: Start | None = None) -> AsyncIterator[Call]:
    model = model or Told()
    line = Line()
    line.say(start or Start())
    shared = Shared(model, Metrics(CollectorRegistry()), asyncio.Event(), behind=float("inf"))
    task = asyncio.create_task(Session(line, shared).run())
    try:
        async with asyncio.timeout(20):
            yield Call(line, model)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def heard(text: str, language: str | None = None) -> Heard:
    return Heard(text, (), 0.9, language)


async def test_a_second_interim_waits_for_the_first(pcm: bytes) -> None:
    async with calling() as call:
        call.line.say(pcm[: 2 * SAMPLE_RATE])
        first = await call.model.wait_for(Kind.FIRST_INTERIM)
        call.line.say(pcm[2 * SAMPLE_RATE : 3 * SAMPLE_RATE])
        call.line.say(Flush(id="a"))
        final = await call.model.wait_for(Kind.FINAL)
    assert len(call.model.of(Kind.FIRST_INTERIM) + call.model.of(Kind.INTERIM)) == 1
    assert first.answer.cancelled(), "nobody waits for it once the final is asked for"
    assert final.request.pcm.startswith(first.request.pcm[: 2 * SAMPLE_RATE // 4])


async def test_interims_agree_on_their_first_words(pcm: bytes) -> None:
    async with calling() as call:
        call.line.say(pcm[: SAMPLE_RATE * 2])
        (await call.model.wait_for(Kind.FIRST_INTERIM)).answer.set_result(heard("What is, a"))
        assert (await call.line.until(Interim)).stable_chars == 0
        call.line.say(pcm[SAMPLE_RATE * 2 : SAMPLE_RATE * 3])
        (await call.model.wait_for(Kind.INTERIM)).answer.set_result(heard("what is the weather"))
        assert (await call.line.until(Interim)).stable_chars == len("what is")


async def test_a_text_prepared_in_a_pause_is_the_final_letter_by_letter(pcm: bytes) -> None:
    async with calling() as call:
        call.line.say(pcm)
        asked = await call.model.wait_for(Kind.SPECULATIVE)
        asked.answer.set_result(heard("What's the weather?", "de"))
        preflight = await call.line.until(Preflight)
        call.line.say(Flush(id="a"))
        final = await call.line.until(Final)
    assert final.text == preflight.text == "What's the weather?"
    assert final.language == preflight.language == "de"
    assert call.model.of(Kind.FINAL) == []


async def test_a_flush_hurries_what_is_being_prepared(pcm: bytes) -> None:
    async with calling() as call:
        call.line.say(pcm, Flush(id="a"))
        asked = await call.model.wait_for(Kind.SPECULATIVE)
        await call.model.promoted.wait()
        asked.answer.set_result(heard("hello"))
        assert (await call.line.until(Final)).text == "hello"
    assert call.model.of(Kind.FINAL) == []


async def test_a_preparation_dropped_for_lack_of_time_is_decoded_at_the_flush(pcm: bytes) -> None:
    async with calling() as call:
        call.line.say(pcm)
        (await call.model.wait_for(Kind.SPECULATIVE)).answer.set_result(None)
        call.line.say(Flush(id="a"))
        (await call.model.wait_for(Kind.FINAL)).answer.set_result(heard("hello"))
        assert (await call.line.until(Final)).text == "hello"


async def test_speech_that_goes_on_overtakes_what_was_prepared(pcm: bytes) -> None:
    async with calling() as call:
        call.line.say(pcm)
        first = await call.model.wait_for(Kind.SPECULATIVE)
        call.line.say(pcm)
        second = await call.model.wait_for(Kind.SPECULATIVE, 2)
        second.answer.set_result(heard("both"))
        assert (await call.line.until(Preflight)).text == "both"
    assert first.answer.cancelled()
    assert second.request.start == first.request.start
    assert second.request.pcm.startswith(first.request.pcm[:SAMPLE_RATE])
    assert len(second.request.speech) > len(first.request.speech)


async def test_speech_is_where_the_detector_heard_it(pcm: bytes) -> None:
    async with calling() as call:
        call.line.say(SILENCE + pcm)
        request = (await call.model.wait_for(Kind.SPECULATIVE)).request
    samples = len(request.pcm) // 2
    assert 0 < request.speech[0].start < 0.5 * SAMPLE_RATE, "the pre-roll is not speech"
    assert request.speech[-1].end < samples
    assert all(
        one.end <= two.start for one, two in zip(request.speech, request.speech[1:], strict=False)
    )


async def test_a_busy_model_is_spared_interims_first_and_preparations_last(pcm: bytes) -> None:
    model = Told()
    model.pace = Pace(interim=None, first_interim=True, speculative=True)
    async with calling(model) as call:
        call.line.say(pcm[: SAMPLE_RATE * 2])
        (await model.wait_for(Kind.FIRST_INTERIM)).answer.set_result(heard("what"))
        await call.line.until(Interim)
        model.pace = Pace(interim=None, first_interim=False, speculative=False)
        call.line.say(pcm[SAMPLE_RATE * 2 :], Flush(id="a"))
        (await model.wait_for(Kind.FINAL)).answer.set_result(heard("what is it"))
        assert (await call.line.until(Final)).text == "what is it"
    assert [asked.request.kind for asked in model.asked] == [Kind.FIRST_INTERIM, Kind.FINAL]


async def test_interims_of_long_speech_are_of_its_end_only(pcm: bytes) -> None:
    """Else their cost would grow with the turn."""
    repeats = GROWING // (len(pcm) // 2) + 1
    model = Told()
    model.interims = heard("and more")
    async with calling(model) as call:
        for number in range(1, repeats + 1):
            call.line.say(pcm)
            (await model.wait_for(Kind.SPECULATIVE, number)).answer.set_result(
                heard(f"{number} times")
            )
            await call.line.until(Preflight)
        call.line.unread()
        call.line.say(pcm[: SAMPLE_RATE * 2])
        interim = await call.line.until(Interim)
    last = model.asked[-1].request
    assert last.context == f"{repeats} times"
    assert interim.text == f"{repeats} times and more"
    assert len(last.pcm) < 3 * 2 * SAMPLE_RATE


async def test_a_turn_cut_for_its_length_gives_the_rest_its_words(pcm: bytes) -> None:
    voiced = pcm[SAMPLE_RATE // 2 : -2 * SAMPLE_RATE]
    async with calling(start=Start(interim_results=False)) as call:
        call.line.say(voiced * (22 * SAMPLE_RATE * 2 // len(voiced)))
        first = await call.model.wait_for(Kind.FINAL)
        assert first.request.context == ""
        first.answer.set_result(heard("the first part"))
        assert (await call.line.until(Final)).id is None
        call.line.say(Flush(id="a"))
        rest = await call.model.wait_for(Kind.FINAL, 2)
        rest.answer.set_result(heard("the rest"))
        assert (await call.line.until(Final)).text == "the rest"
        call.line.say(SILENCE, pcm, Flush(id="b"))
        later = await call.model.wait_for(Kind.SPECULATIVE)
    assert rest.request.context == "the first part"
    assert later.request.context == "", "a new turn knows nothing of the last"


async def test_a_language_that_the_model_lacks_is_refused() -> None:
    line = Line()
    line.say(Start(language="tlh"))
    shared = Shared(Told(), Metrics(CollectorRegistry()), asyncio.Event())
    with pytest.raises(RefusedError, match="en and de") as refused:
        await Session(line, shared).run()
    assert refused.value.code == "unknown_language"
