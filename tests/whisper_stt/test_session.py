"""The engine's side of the wire, spoken to by hand: order, answers, and clients that misbehave."""

import asyncio
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from tests.whisper_stt.conftest import KEY, Engine
from tests.whisper_stt.wire import wire
from whisper_engine.model import Kind
from whisper_engine.protocol import (
    MAX_MESSAGE_BYTES,
    SAMPLE_RATE,
    Cancel,
    End,
    Ended,
    Failed,
    Final,
    Flush,
    Interim,
    Preflight,
    SpeechEnded,
    SpeechStarted,
    Start,
)
from whisper_engine.streaming.inbox import FULL

SILENCE = bytes(2 * SAMPLE_RATE)


def of(kind: Any, messages: list[Any]) -> list[Any]:
    return [message for message in messages if isinstance(message, kind)]


async def test_one_turn_says_everything_in_order(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    async with wire(http, engine.url, Start()) as client:
        await client.say(pcm)
        await client.send(Flush(id="a"))
        messages = await client.until(Final)
    order = [type(message) for message in messages if not isinstance(message, Interim)]
    assert order == [SpeechStarted, Preflight, SpeechEnded, Final]
    started, preflight, ended, final = of(SpeechStarted | Preflight | SpeechEnded | Final, messages)
    assert final.id == "a"
    assert final.text == preflight.text == "one two three four"
    assert " ".join(word.text for word in final.words) == final.text
    assert started.at == final.start < final.end == ended.at
    settled = [r for r in engine.model.requests if r.kind in {Kind.SPECULATIVE, Kind.FINAL}]
    assert [r.kind for r in settled] == [Kind.SPECULATIVE], "the final was decoded again"


async def test_interims_grow_and_their_stable_part_stands(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    async with wire(http, engine.url, Start()) as client:
        await client.say(pcm)
        interims = of(Interim, await client.until(Preflight))
    assert len(interims) >= 3
    for before, after in pairwise(interims):
        assert after.text.startswith(before.text)
        assert after.stable_chars == len(before.text)


async def test_no_interims_for_who_wants_none(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    async with wire(http, engine.url, Start(interim_results=False)) as client:
        await client.say(pcm)
        await client.send(Flush(id="a"))
        assert not of(Interim, await client.until(Final))


async def test_speech_that_resumes_goes_on_with_the_same_utterance(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    async with wire(http, engine.url, Start()) as client:
        await client.say(pcm + pcm)
        await client.send(Flush(id="a"))
        messages = await client.until(Final)
    first, second = of(Preflight, messages)
    final = messages[-1]
    assert len(of(SpeechStarted, messages)) == 2
    assert second.text.startswith(first.text + " ")
    assert final.text == second.text
    assert final.start == first.start


async def test_each_flush_gets_its_own_final_and_nothing_is_said_twice(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    async with wire(http, engine.url, Start()) as client:
        await client.send(Flush(id="a"))
        await client.say(pcm)
        await client.send(Flush(id="b"), Flush(id="c"))
        await client.say(pcm)
        await client.send(Flush(id="d"), End())
        finals = of(Final, await client.until(Ended))
    assert [(final.id, bool(final.text)) for final in finals] == [
        ("a", False),
        ("b", True),
        ("c", False),
        ("d", True),
    ]
    assert finals[1].end < finals[3].start


async def test_flush_in_the_middle_of_speech_cuts_there(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    half = len(pcm) // 4 * 2
    async with wire(http, engine.url, Start()) as client:
        await client.say(pcm[:half])
        await client.send(Flush(id="a"))
        await client.say(pcm[half:])
        await client.send(Flush(id="b"))
        messages = [*await client.until(Final), *await client.until(Final)]
    first, second = of(Final, messages)
    assert first.text
    assert second.text
    assert first.end == second.start
    assert len(of(SpeechStarted, messages)) == 1


async def test_cancel_forgets_what_was_said(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    async with wire(http, engine.url, Start()) as client:
        await client.say(pcm)
        await client.send(Cancel(), Flush(id="a"))
        assert (await client.until(Final))[-1].text == ""
        await client.say(pcm)
        await client.send(Flush(id="b"))
        assert (await client.until(Final))[-1].text == "one two three four"


async def test_end_gives_what_is_left_and_counts_the_sound(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    async with wire(http, engine.url, Start()) as client:
        await client.say(pcm)
        await client.send(End())
        messages = await client.until(Ended)
        assert await client.receive() == 1000
    assert of(Final, messages)[0].id is None
    assert messages[-1].audio_seconds == len(pcm) / 2 / SAMPLE_RATE


async def test_a_client_that_never_flushes_gets_finals_after_a_silence(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    async with wire(http, engine.url, Start()) as client:
        await client.say(pcm + 2 * SILENCE)
        final = (await client.until(Final))[-1]
    assert final.id is None
    assert final.text == "one two three four"


async def test_twenty_seconds_without_a_pause_are_cut(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    voiced = pcm[SAMPLE_RATE // 2 : -2 * SAMPLE_RATE]
    async with wire(http, engine.url, Start(interim_results=False)) as client:
        await client.say(voiced * (24 * SAMPLE_RATE * 2 // len(voiced)))
        await client.send(End())
        finals = of(Final, await client.until(Ended))
    assert [final.id for final in finals] == [None, None]
    assert 15 < finals[0].end - finals[0].start < 21
    assert finals[0].end <= finals[1].start


async def test_sound_in_one_piece_and_in_crumbs_is_the_same(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    finals = []
    for size in (MAX_MESSAGE_BYTES, 2 * 7):
        async with wire(http, engine.url, Start(interim_results=False)) as client:
            for start in range(0, len(pcm), size):
                await client.send(pcm[start : start + size])
            await client.send(Flush(id="a"))
            finals.append((await client.until(Final))[-1])
    assert finals[0] == finals[1]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([b"\0\0"], "out_of_order"),
        ([Flush(id="a")], "out_of_order"),
        (["{"], "bad_message"),
        (['{"type": "sing"}'], "bad_message"),
        (['{"type": "start", "volume": 11}'], "bad_message"),
        ([Start(), Start()], "out_of_order"),
        ([Start(), b"\0\0\0"], "bad_audio"),
        ([Start(), bytes(MAX_MESSAGE_BYTES + 2)], "too_large"),
        ([Start(), '{"type": "flush"}'], "bad_message"),
        ([Start(), '{"type": "flush", "id": "' + "a" * 65 + '"}'], "bad_message"),
    ],
)
async def test_misbehaviour_is_told_and_the_engine_lives(
    engine: Engine,
    http: aiohttp.ClientSession,
    pcm: bytes,
    messages: list[Any],
    code: str,
) -> None:
    async with wire(http, engine.url) as client:
        await client.send(*messages)
        failed = (await client.until(Failed))[-1]
        assert (failed.code, failed.retryable) == (code, False)
        assert await client.receive() == 1008
    await one_turn(engine, http, pcm)


async def test_a_model_that_fails_is_told_and_may_be_tried_again(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    engine.model.broken = True
    async with wire(http, engine.url, Start()) as client:
        await client.say(pcm)
        failed = (await client.until(Failed))[-1]
    assert (failed.code, failed.retryable) == ("hear_failed", True)
    engine.model.broken = False
    await one_turn(engine, http, pcm)


async def test_a_slow_model_holds_back_the_client(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    """What is not read waits in the client: the engine's memory does not grow."""
    engine.model.may_work.clear()
    async with wire(http, engine.url, Start(interim_results=False)) as client:
        flood = asyncio.create_task(client.say(pcm + 600 * SILENCE))
        await engine.model.waits.wait()
        taken = [await seconds_taken(engine, http) for _ in range(20)]
        assert max(taken) < 2 * FULL / SAMPLE_RATE, "the engine reads on while it cannot hear"
        engine.model.may_work.set()
        await flood
        await client.send(Flush(id="a"))
        finals = of(Final, await client.until(Final))
    assert finals[0].text == "one two three four"


async def test_hundred_sockets_opened_and_dropped_leave_nothing(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    for number in range(100):
        async with wire(http, engine.url, Start()) as client:
            if number % 3 == 0:
                await client.say(pcm[: SAMPLE_RATE * 2])
            if number % 3 == 1:
                await client.send(Flush(id="a"))
    assert await engine.gate.drain(10), "a session is still held"
    assert engine.model.lent == 0


async def test_a_drained_engine_lets_go_of_who_is_silent_and_hears_out_who_speaks(
    engine: Engine, http: aiohttp.ClientSession, pcm: bytes
) -> None:
    async with (
        wire(http, engine.url, Start()) as silent,
        wire(http, engine.url, Start()) as speaking,
    ):
        await speaking.say(pcm)
        await speaking.until(Preflight)
        drained = asyncio.create_task(engine.gate.drain(10))
        failed = (await silent.until(Failed))[-1]
        assert (failed.code, failed.retryable) == ("stopping", True)
        await speaking.send(Flush(id="a"))
        assert (await speaking.until(Final))[-1].text == "one two three four"
        assert isinstance((await speaking.until(Failed))[-1], Failed)
        assert await drained


async def one_turn(engine: Engine, http: aiohttp.ClientSession, pcm: bytes) -> None:
    async with wire(http, engine.url, Start()) as client:
        await client.say(pcm)
        await client.send(Flush(id="z"))
        assert (await client.until(Final))[-1].text == "one two three four"


async def seconds_taken(engine: Engine, http: aiohttp.ClientSession) -> float:
    async with http.get(engine.url + "/metrics", headers={"Authorization": f"Bearer {KEY}"}) as got:
        lines = (await got.text()).splitlines()
    name = "parley_whisper_audio_seconds_total "
    return next(float(line.removeprefix(name)) for line in lines if line.startswith(name))
