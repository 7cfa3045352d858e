"""What a conversation is told over its socket, in which order, and how it outlives the socket."""

import asyncio
from typing import Any

import aiohttp
import pytest

from csm_engine.model import Manner
from csm_engine.protocol import (
    PATH,
    ContextAppend,
    ContextReset,
    Failed,
    InputCancel,
    InputDone,
    InputText,
    SessionClose,
    SessionConfig,
    SessionDone,
    SessionReady,
    UtteranceDone,
    server_message,
)
from csm_engine.shelf import MOST, Shelf
from csm_engine.stateless import Stateless
from tests.csm_tts.conftest import KEY, Engine
from tests.csm_tts.tone import Tone
from tests.csm_tts.wire import wire
from tests.serving.wire import Wire, connected

CALL = SessionConfig(session_id="call-1", remembers="sounds")


def say(text: str, sentence: int = 0, utterance: str = "u") -> InputText:
    return InputText(utterance=utterance, sentence=sentence, text=text)


async def closed(client: Wire) -> None:
    await client.send(SessionClose())
    assert isinstance((await client.until(SessionDone))[-1], SessionDone)


async def told(model: Tone, count: int) -> list[tuple[object, ...]]:
    """What the conversation was told, once it is so much: a closed socket is heard of later."""
    async with asyncio.timeout(10):
        while len(model.told) < count:  # noqa: ASYNC110 -- the socket has no event for it
            await asyncio.sleep(0)
    return model.told


async def test_turns_keep_their_place_among_the_sentences(
    http: aiohttp.ClientSession, engine: Engine
) -> None:
    async with wire(http, engine.url, CALL) as client:
        await client.send(say("One wait."), InputDone(utterance="u"))
        await client.send(
            ContextAppend(speaker="caller", text="Are you open?"),
            ContextReset(),
            ContextAppend(speaker="agent", text="We are."),
        )
        await engine.model.first.wait()
        assert engine.model.told == []
        engine.model.go.set()
        await closed(client)
    assert engine.model.told == [
        ("append", "caller", "Are you open?"),
        ("reset",),
        ("append", "agent", "We are."),
        ("close",),
    ]


async def test_a_cut_is_told_once_the_model_has_stopped_and_also_after_the_end(
    http: aiohttp.ClientSession, engine: Engine
) -> None:
    async with wire(http, engine.url, CALL) as client:
        await client.send(say("endless"))
        await engine.model.first.wait()
        await client.send(InputCancel(utterance="u", played_ms=1500))
        assert (await client.until(UtteranceDone))[-1].finish_reason == "cancelled"
        assert engine.model.speaking == 0
        await client.send(say("One.", utterance="v"), InputDone(utterance="v"))
        await client.until(UtteranceDone)
        await client.send(InputCancel(utterance="v", played_ms=40))
        await closed(client)
    assert engine.model.told == [("cut", "u", 1.5), ("cut", "v", 0.04), ("close",)]


async def test_the_callers_sound_is_heard_where_it_was_asked_for(
    http: aiohttp.ClientSession, engine: Engine
) -> None:
    async with wire(http, engine.url, CALL) as client:
        await client.send(bytes(640), bytes(320), ContextAppend(speaker="caller", text="Hello."))
        await closed(client)
    assert engine.model.told == [
        ("hear", 640),
        ("hear", 320),
        ("append", "caller", "Hello."),
        ("close",),
    ]


@pytest.mark.parametrize(
    ("config", "sound", "code"),
    [(SessionConfig(), bytes(640), "bad_message"), (CALL, bytes(641), "bad_audio")],
)
async def test_other_sound_is_refused(
    http: aiohttp.ClientSession, engine: Engine, config: SessionConfig, sound: bytes, code: str
) -> None:
    async with wire(http, engine.url, config) as client:
        await client.send(sound)
        (refused,) = await client.until(Failed)
        assert refused.code == code
    assert await told(engine.model, 1) == [("close",)]


async def opened(client: Wire, config: SessionConfig) -> SessionReady:
    await client.send(config)
    ready = await client.receive()
    assert isinstance(ready, SessionReady)
    return ready


async def test_a_lost_conversation_is_taken_up_by_its_id(
    http: aiohttp.ClientSession, engine: Engine
) -> None:
    def line() -> Any:
        return connected(http, engine.url + PATH, KEY, server_message)

    async with line() as client:
        assert not (await opened(client, CALL)).resumed
        await client.send(ContextAppend(speaker="caller", text="Hello."))
        await told(engine.model, 1)
    async with asyncio.timeout(10):
        while engine.gate.held:  # noqa: ASYNC110 -- the server has no event for it
            await asyncio.sleep(0)
    async with line() as other, line() as back, line() as again:
        different = CALL.model_copy(update={"remembers": "texts"})
        assert not (await opened(other, different)).resumed
        assert (await opened(back, CALL)).resumed
        assert not (await opened(again, CALL)).resumed
        assert ("close",) not in engine.model.told


class Held(Stateless):
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


async def test_nobody_waits_on_the_shelf_for_ever() -> None:
    shelf, manner = Shelf(seconds=0.0), Manner()
    conversation = Held()
    shelf.keep("a", manner, conversation)
    async with asyncio.timeout(10):
        while not conversation.closed:  # noqa: ASYNC110 -- a timer's
            await asyncio.sleep(0)
    assert shelf.take("a", manner) is None


async def test_the_oldest_makes_room_and_the_end_closes_all() -> None:
    shelf, manner = Shelf(), Manner()
    held = [Held() for _ in range(MOST + 1)]
    for number, conversation in enumerate(held):
        shelf.keep(str(number), manner, conversation)
    assert [conversation.closed for conversation in held] == [True] + [False] * MOST
    assert shelf.take(str(MOST), manner) is held[MOST]
    shelf.keep("1", manner, held[0])
    assert held[1].closed, "a second of the same id takes its place"
    shelf.close()
    assert [conversation.closed for conversation in held] == [True] * MOST + [False]
