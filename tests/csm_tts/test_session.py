"""The engine's socket: order, cancel, failure, limits, and clients that misbehave."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from csm_engine.protocol import (
    MAX_MESSAGE_BYTES,
    AudioDone,
    AudioStart,
    ContextAppend,
    Failed,
    InputCancel,
    InputDone,
    InputText,
    SessionClose,
    SessionConfig,
    SessionDone,
    UtteranceDone,
)
from csm_engine.session import MAX_QUEUED
from csm_engine.utterances import MAX_OPEN
from tests.csm_tts.conftest import Engine, app_of
from tests.csm_tts.tone import FRAME, SAMPLES, Tone
from tests.csm_tts.wire import wire
from tests.serving.running import running
from tests.serving.wire import Wire

CONFIG = SessionConfig()


@pytest.fixture
async def client(http: aiohttp.ClientSession, engine: Engine) -> AsyncIterator[Wire]:
    async with wire(http, engine.url, CONFIG) as connected:
        yield connected


def say(text: str, sentence: int = 0, utterance: str = "u") -> InputText:
    return InputText(utterance=utterance, sentence=sentence, text=text)


def done(sentence: int, reason: str, frames: int) -> AudioDone:
    return AudioDone.model_validate(
        {"utterance": "u", "sentence": sentence, "finish_reason": reason, "frames": frames}
    )


class TestSpeaking:
    async def test_answers_each_sentence_in_order(self, client: Wire) -> None:
        await client.send(say("One two."), say("Three.", 1), InputDone(utterance="u"))
        assert await client.until(UtteranceDone) == [
            AudioStart(utterance="u", sentence=0),
            *(FRAME, FRAME),
            done(0, "stop", 2),
            AudioStart(utterance="u", sentence=1),
            FRAME,
            done(1, "stop", 1),
            UtteranceDone(utterance="u", finish_reason="stop"),
        ]

    async def test_utterances_follow_each_other(self, client: Wire, engine: Engine) -> None:
        await client.send(say("One."), say("Two.", 0, "v"), InputDone(utterance="u"))
        await client.send(InputDone(utterance="v"))
        first, second = await client.until(UtteranceDone), await client.until(UtteranceDone)
        assert [first[-1].utterance, second[-1].utterance] == ["u", "v"]
        assert engine.model.spoken == ["One.", "Two."]

    @pytest.mark.parametrize("rate", [8_000, 16_000])
    async def test_gives_the_rate_asked_for_in_whole_frames(
        self, http: aiohttp.ClientSession, engine: Engine, rate: int
    ) -> None:
        config = SessionConfig.model_validate({"sample_rate": rate})
        async with wire(http, engine.url, config) as client:
            await client.send(say("One two three."))
            got = await client.until(AudioDone)
        frames = [frame for frame in got if isinstance(frame, bytes)]
        assert sum(map(len, frames)) == 3 * SAMPLES * 2 * rate // 24_000
        assert {len(frame) for frame in frames} == {SAMPLES * 2 * rate // 24_000}
        assert got[-1].frames == len(frames)

    async def test_cuts_a_sentence_that_does_not_end(self, http: aiohttp.ClientSession) -> None:
        app, _ = app_of(Tone(), longest=0.4)
        async with running(app) as server, wire(http, server.url, CONFIG) as client:
            await client.send(say("This is endless."), say("One.", 1))
            assert (await client.until(AudioDone))[-1] == done(0, "length", 5)
            assert (await client.until(AudioDone))[-1] == done(1, "stop", 1)

    async def test_goes_on_after_a_failed_sentence(self, client: Wire) -> None:
        await client.send(say("I fail."), say("One.", 1), InputDone(utterance="u"))
        got = await client.until(UtteranceDone)
        failure = Failed(
            code="speak_failed",
            message="told to fail",
            retryable=True,
            utterance="u",
            sentence=0,
        )
        assert got[1:4] == [FRAME, failure, done(0, "failed", 1)]
        assert got[-2:] == [
            done(1, "stop", 1),
            UtteranceDone(utterance="u", finish_reason="stop"),
        ]

    async def test_close_finishes_what_is_queued(self, client: Wire) -> None:
        await client.send(say("One two."), InputDone(utterance="u"), SessionClose())
        got = await client.until(SessionDone)
        assert got.count(FRAME) == 2
        assert await client.receive() == 1000

    async def test_ignores_context_that_the_model_has_no_use_for(self, client: Wire) -> None:
        await client.send(ContextAppend(speaker="caller", text="Hello?"), say("One."))
        assert (await client.until(AudioDone))[-1] == done(0, "stop", 1)


class TestCancel:
    async def test_stops_the_sentence_and_what_is_queued(
        self, client: Wire, engine: Engine
    ) -> None:
        await client.send(say("Wait, wait."), say("Never.", 1))
        assert await client.receive() == AudioStart(utterance="u", sentence=0)
        assert await client.receive() == FRAME
        await client.send(InputCancel(utterance="u", played_ms=40))
        assert await client.receive() == done(0, "cancelled", 1)
        assert await client.receive() == UtteranceDone(utterance="u", finish_reason="cancelled")
        assert engine.model.spoken == ["Wait, wait."]
        assert engine.model.speaking == 0

    async def test_of_a_queued_utterance_leaves_the_current_one(
        self, client: Wire, engine: Engine
    ) -> None:
        await client.send(say("This is slow."), say("Never.", 0, "v"))
        await engine.model.asked.wait()
        await client.send(InputCancel(utterance="v", played_ms=0))
        got = await client.until(UtteranceDone)
        assert got[-1] == UtteranceDone(utterance="v", finish_reason="cancelled")
        engine.model.go.set()
        assert (await client.until(AudioDone))[-1] == done(0, "stop", 3)
        assert engine.model.spoken == ["This is slow."]

    async def test_drops_late_text_of_that_utterance_only(
        self, client: Wire, engine: Engine
    ) -> None:
        await client.send(InputCancel(utterance="u", played_ms=0))
        await client.send(say("Late."), say("Later.", 1), InputDone(utterance="u"))
        await client.send(say("One.", 0, "v"))
        got = await client.until(AudioDone)
        assert got[-1].utterance == "v"
        assert engine.model.spoken == ["One."]

    async def test_that_comes_too_late_is_ignored(self, client: Wire) -> None:
        await client.send(say("One."), InputDone(utterance="u"))
        await client.until(UtteranceDone)
        await client.send(InputCancel(utterance="u", played_ms=80), say("Two.", 0, "v"))
        assert (await client.until(AudioDone))[-1].utterance == "v"

    async def test_by_hanging_up_frees_the_engine(
        self, http: aiohttp.ClientSession, engine: Engine
    ) -> None:
        async with wire(http, engine.url, CONFIG) as client:
            await client.send(say("Wait, wait."))
            await engine.model.first.wait()
        async with asyncio.timeout(5):
            await engine.model.free.wait()
            assert await engine.gate.drain(5)


BAD = {
    "not JSON": ["{"],
    "an unknown type": ['{"type": "input.shout"}'],
    "an unknown field": ['{"type": "input.done", "utterance": "u", "now": true}'],
    "empty text": ['{"type": "input.text", "utterance": "u", "sentence": 0, "text": ""}'],
    "a second session.config": [CONFIG],
    "audio": [b"\0\0"],
    "sentences out of order": [say("One.", 1)],
    "a sentence twice": [say("One."), say("One.")],
    "the end of nothing": [InputDone(utterance="u")],
    "text after the end": [say("One."), InputDone(utterance="u"), say("Two.", 1)],
    "a message too large": ['{"type": "' + "x" * MAX_MESSAGE_BYTES + '"}'],
    "too many sentences": [say("Slow.", n) for n in range(MAX_QUEUED + 2)],
    "too many utterances": [say("Slow.", 0, f"u{n}") for n in range(MAX_OPEN + 1)],
}


class TestMisbehaviour:
    @pytest.mark.parametrize("messages", BAD.values(), ids=BAD.keys())
    async def test_is_told_and_ends_the_socket_not_the_engine(
        self,
        http: aiohttp.ClientSession,
        engine: Engine,
        messages: list[InputText | str | bytes],
    ) -> None:
        async with wire(http, engine.url, CONFIG) as client:
            await client.send(*messages)
            error = (await client.until(Failed))[-1]
            assert error.utterance is None
            assert not error.retryable
            assert await client.receive() == 1008
        async with wire(http, engine.url, CONFIG) as next_client:
            await next_client.send(say("One."))
            assert (await next_client.until(AudioDone))[-1] == done(0, "stop", 1)
        assert await engine.gate.drain(5)
        assert engine.model.speaking == 0

    @pytest.mark.parametrize("first", [say("One."), InputDone(utterance="u"), b"\0\0", "{"])
    async def test_before_session_config_too(
        self, http: aiohttp.ClientSession, engine: Engine, first: InputText | str | bytes
    ) -> None:
        async with wire(http, engine.url) as client:
            await client.send(first)
            assert isinstance(await client.receive(), Failed)
            assert await client.receive() == 1008

    async def test_beyond_the_transports_limit_is_cut_off(
        self, http: aiohttp.ClientSession, engine: Engine
    ) -> None:
        async with wire(http, engine.url, CONFIG) as client:
            await client.send("x" * (3 * MAX_MESSAGE_BYTES))
            assert await client.receive() == 1009
        assert await engine.gate.drain(5)

    async def test_an_unknown_voice_is_refused(
        self, http: aiohttp.ClientSession, engine: Engine
    ) -> None:
        async with wire(http, engine.url) as client:
            await client.send(SessionConfig(voice="nobody"))
            assert (await client.until(Failed))[-1].code == "unknown_voice"

    async def test_reading_nothing_blocks_nobody_else_and_ends(
        self, http: aiohttp.ClientSession
    ) -> None:
        model = Tone()
        app, gate = app_of(model, stall=0.3)
        async with running(app) as server, wire(http, server.url, CONFIG) as deaf:
            await deaf.send(say("This is endless."))
            async with wire(http, server.url, CONFIG) as other:
                await other.send(say("One two."))
                assert (await other.until(AudioDone))[-1] == done(0, "stop", 2)
            async with asyncio.timeout(10):
                assert await gate.drain(10)
            assert model.speaking == 0


class TestDraining:
    async def test_finishes_the_utterance_and_takes_no_new_session(
        self, http: aiohttp.ClientSession, engine: Engine, client: Wire
    ) -> None:
        await client.send(say("Wait, wait."))
        await engine.model.first.wait()
        async with asyncio.TaskGroup() as group:
            drained = group.create_task(engine.gate.drain(10))
            await engine.gate.draining.wait()
            with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                async with wire(http, engine.url):
                    pass
            engine.model.go.set()
            await client.send(say("One.", 1), InputDone(utterance="u"))
            got = await client.until(SessionDone)
        assert got[-2] == UtteranceDone(utterance="u", finish_reason="stop")
        assert got.count(FRAME) == 3
        assert drained.result()

    async def test_ends_an_idle_session_at_once(self, client: Wire, engine: Engine) -> None:
        async with asyncio.TaskGroup() as group:
            drained = group.create_task(engine.gate.drain(10))
            assert await client.receive() == SessionDone()
        assert drained.result()
