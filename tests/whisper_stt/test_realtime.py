"""`WS /v1/realtime`, as OpenAI's own client, LiveKit's, and a client by hand use it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import numpy as np
import openai
import pytest
import soxr
from livekit import rtc
from livekit.agents import stt
from livekit.agents.utils import http_context
from livekit.plugins import openai as livekit_openai
from openai.types.realtime import RealtimeServerEvent

from tests.conformance.stt import Spoken
from tests.whisper_stt.doors import HEADERS, KEY, Doors, opened

RATE = 24_000
SILENCE = bytes(2 * RATE)
"""A second: longer than what ends an utterance."""
PIECE = 2 * RATE // 20
TRANSCRIPTION = "conversation.item.input_audio_transcription"


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    async with opened() as engine:
        yield engine


@pytest.fixture
def speech(question: Spoken) -> bytes:
    """With silence on both sides."""
    return SILENCE + question.pcm + SILENCE


class Caller:
    """Speaks the wire by hand."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self.websocket = websocket

    async def send(self, kind: str, **fields: Any) -> None:
        await self.websocket.send_json({"type": kind, **fields})

    async def say(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), PIECE):
            piece = base64.b64encode(pcm[start : start + PIECE]).decode()
            await self.send("input_audio_buffer.append", audio=piece)

    async def set(self, **audio_input: Any) -> None:
        session = {"type": "transcription", "audio": {"input": audio_input}}
        await self.send("session.update", session=session)

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            message = await self.websocket.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        event: dict[str, Any] = json.loads(message.data)
        return event

    async def until(self, kind: str) -> list[dict[str, Any]]:
        """All that comes up to and with the first event of this kind."""
        got = [await self.receive()]
        while got[-1]["type"] != kind:
            got.append(await self.receive())
        return got


@asynccontextmanager
async def calling(doors: Doors, query: str = "intent=transcription") -> AsyncIterator[Caller]:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{doors.v1}/realtime?{query}", headers=HEADERS) as websocket,
    ):
        caller = Caller(websocket)
        assert (await caller.receive())["type"] == "session.created"
        yield caller


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events if not event["type"].endswith(".delta")]


def spelled(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"] for event in events if event["type"].endswith(".delta"))


async def test_a_turn_is_told_from_its_first_word_to_its_text(doors: Doors, speech: bytes) -> None:
    async with calling(doors) as caller:
        await caller.say(speech)
        events = await caller.until(f"{TRANSCRIPTION}.completed")
    assert types(events) == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        f"{TRANSCRIPTION}.completed",
    ]
    started, stopped, committed, added, completed = (
        event for event in events if not event["type"].endswith(".delta")
    )
    assert 900 < started["audio_start_ms"] < stopped["audio_end_ms"] < 3_000
    assert completed["transcript"].startswith("one two")
    assert spelled(events) == completed["transcript"]
    assert completed["languages"] == [{"code": "en"}]
    items = {event.get("item_id") for event in events if event is not added}
    assert items == {added["item"]["id"]}
    assert "previous_item_id" not in committed


async def test_words_come_while_the_caller_speaks(doors: Doors, speech: bytes) -> None:
    async with calling(doors) as caller:
        await caller.say(speech[: len(SILENCE) + round(1.6 * 2 * RATE)])
        events = await caller.until(f"{TRANSCRIPTION}.delta")
        await caller.say(speech[len(SILENCE) + round(1.6 * 2 * RATE) :])
        rest = await caller.until(f"{TRANSCRIPTION}.completed")
    assert spelled(events + rest) == rest[-1]["transcript"]


async def test_turns_follow_each_other(doors: Doors, speech: bytes) -> None:
    async with calling(doors) as caller:
        await caller.say(speech + speech)
        first = await caller.until(f"{TRANSCRIPTION}.completed")
        second = await caller.until(f"{TRANSCRIPTION}.completed")
    assert first[-1]["item_id"] != second[-1]["item_id"]
    committed = next(event for event in second if event["type"].endswith(".committed"))
    assert committed["previous_item_id"] == first[-1]["item_id"]
    assert second[0]["audio_start_ms"] > first[0]["audio_start_ms"] + 2_000


async def test_without_turn_detection_the_client_commits(doors: Doors, speech: bytes) -> None:
    async with calling(doors) as caller:
        await caller.set(turn_detection=None)
        state = await caller.receive()
        assert state["session"]["audio"]["input"]["turn_detection"] is None
        await caller.say(speech + 3 * SILENCE + speech)
        await caller.send("input_audio_buffer.commit")
        events = await caller.until(f"{TRANSCRIPTION}.completed")
    assert types(events) == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        f"{TRANSCRIPTION}.completed",
    ]
    assert events[-1]["transcript"].startswith("one two three")
    assert len(doors.model.started_with) == 2


async def test_what_is_too_long_for_one_decode_is_still_one_item(
    doors: Doors, question: Spoken
) -> None:
    async with calling(doors) as caller:
        await caller.set(turn_detection=None)
        await caller.say(question.pcm * 14)
        await caller.send("input_audio_buffer.commit")
        events = await caller.until(f"{TRANSCRIPTION}.completed")
    assert types(events).count(f"{TRANSCRIPTION}.completed") == 1
    assert events[-1]["transcript"].count("one two three") == 2


async def test_a_cleared_buffer_is_forgotten(doors: Doors, speech: bytes) -> None:
    async with calling(doors) as caller:
        await caller.set(turn_detection=None)
        await caller.say(speech)
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")
        await caller.say(SILENCE)
        await caller.send("input_audio_buffer.commit")
        events = await caller.until(f"{TRANSCRIPTION}.completed")
    assert events[-1]["transcript"] == ""
    assert spelled(events) == ""


async def test_speech_that_comes_to_no_words_is_an_item_without_text(
    doors: Doors, speech: bytes
) -> None:
    async with calling(doors) as caller:
        doors.model.deaf = True
        await caller.say(speech)
        await caller.until("input_audio_buffer.speech_stopped")
        doors.model.deaf = False
        await caller.say(speech)
        empty = await caller.until(f"{TRANSCRIPTION}.completed")
        heard = await caller.until(f"{TRANSCRIPTION}.completed")
    assert empty[-1]["transcript"] == ""
    assert heard[-1]["transcript"].startswith("one two three")
    assert empty[-1]["item_id"] != heard[-1]["item_id"]


async def test_hints_are_changed_in_mid_call_and_nothing_said_is_lost(
    doors: Doors, question: Spoken, speech: bytes
) -> None:
    async with calling(doors) as caller:
        await caller.say(SILENCE + question.pcm)
        await caller.set(transcription={"language": "fr", "prompt": "Un restaurant."})
        before = await caller.until(f"{TRANSCRIPTION}.completed")
        await caller.say(speech)
        after = await caller.until(f"{TRANSCRIPTION}.completed")
    assert before[-1]["transcript"].startswith("one two")
    assert after[-1]["languages"] == [{"code": "fr"}]
    started = next(event for event in after if event["type"].endswith("speech_started"))
    assert 3_500 < started["audio_start_ms"] < 4_500
    assert doors.model.started_with[-1].prompt == "Un restaurant."


@pytest.mark.parametrize("rate", [8_000, 16_000])
async def test_a_telephones_rate_may_be_sent_as_it_is(
    doors: Doors, question: Spoken, rate: int
) -> None:
    samples = soxr.resample(np.frombuffer(question.pcm, np.int16), question.rate, rate)
    async with calling(doors) as caller:
        await caller.set(format={"type": "audio/pcm", "rate": rate})
        await caller.say(samples.tobytes() + bytes(2 * rate))
        events = await caller.until(f"{TRANSCRIPTION}.completed")
    assert events[-1]["transcript"].startswith("one two three")
    assert 1.0 < events[-1]["usage"]["seconds"] < 2.0


async def test_an_update_that_changes_nothing_disturbs_nothing(doors: Doors) -> None:
    async with calling(doors) as caller:
        await caller.set(format={"type": "audio/pcm", "rate": RATE})
        assert (await caller.receive())["type"] == "session.updated"
        await caller.set(noise_reduction={"type": "near_field"})
        state = await caller.receive()
    assert state["session"]["audio"]["input"]["noise_reduction"] is None
    assert len(doors.model.started_with) == 1


async def test_unless_told_otherwise_the_language_is_detected_among_those_it_hears(
    doors: Doors,
) -> None:
    async with calling(doors) as caller:
        await caller.set(transcription={"language": "fr"})
        told = await caller.receive()
        await caller.set(transcription={"language": None})
        untold = await caller.receive()
    starts = [(start.language, start.languages) for start in doors.model.started_with]
    assert starts[0] == starts[-1] == ("en", ("en", "fr"))
    assert ("fr", ()) in starts
    languages = [
        state["session"]["audio"]["input"]["transcription"]["language"] for state in (told, untold)
    ]
    assert languages == ["fr", None]


async def test_a_model_of_one_language_is_asked_for_that_one(doors: Doors) -> None:
    doors.model.languages = ("fr",)
    async with calling(doors) as caller:
        await caller.set(turn_detection=None)
        state = await caller.receive()
    assert state["session"]["audio"]["input"]["transcription"]["language"] == "fr"
    assert {(start.language, start.languages) for start in doors.model.started_with} == {("fr", ())}


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"type": "response.create"}, "session.update"),
    ({"type": "input_audio_buffer.append", "audio": "?"}, "audio"),
    ({"type": "input_audio_buffer.append", "audio": 7}, "base64"),
    ({"type": "input_audio_buffer.append", "audio": "AAAA"}, "whole 16-bit samples"),
    ({"type": "input_audio_buffer.commit", "event_id": "mine"}, "nothing has been appended"),
]
BAD_SESSIONS: list[tuple[dict[str, Any], str]] = [
    ({"audio": {"input": {"transcription": {"model": "whisper-9"}}}}, "ask for 'counting'"),
    ({"audio": {"input": {"transcription": {"language": "tlh"}}}}, "en and fr"),
    ({"audio": {"input": {"transcription": {"prompt": "x" * 1_001}}}}, "prompt"),
    ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 9}}}}, "must be one of"),
    ({"audio": {"input": {"format": {"type": "audio/opus"}}}}, "audio/pcm"),
    ({"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}, "server_vad"),
    ({"type": "realtime"}, "transcription"),
]


async def test_what_is_wrong_is_told_and_the_call_goes_on(doors: Doors, speech: bytes) -> None:
    updates = [
        ({"type": "session.update", "session": {"type": "transcription", **session}}, says)
        for session, says in BAD_SESSIONS
    ]
    async with calling(doors) as caller:
        for event, says in [*MISTAKES, *updates]:
            await caller.websocket.send_json(event)
            error = await caller.receive()
            assert error["type"] == "error"
            assert says in error["error"]["message"]
            assert error["error"]["type"] == "invalid_request_error"
            assert error["error"]["event_id"] == event.get("event_id")
        await caller.websocket.send_str("not json")
        assert "JSON" in (await caller.receive())["error"]["message"]
        await caller.say(speech)
        assert (await caller.until(f"{TRANSCRIPTION}.completed"))[-1]["transcript"]


async def test_a_binary_frame_is_told_where_sound_belongs(doors: Doors) -> None:
    async with calling(doors) as caller:
        await caller.websocket.send_bytes(bytes(960))
        error = await caller.receive()
    assert "input_audio_buffer.append" in error["error"]["message"]


async def test_too_large_a_message_ends_the_call(doors: Doors) -> None:
    async with calling(doors) as caller:
        await caller.send("input_audio_buffer.append", audio="A" * 200_000)
        assert (await caller.receive())["error"]["code"] == "too_large"
        assert (await caller.websocket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert caller.websocket.close_code == 1008


async def test_a_failure_of_the_models_is_an_error_of_the_servers(
    doors: Doors, speech: bytes
) -> None:
    doors.model.broken = True
    async with calling(doors) as caller:
        await caller.say(speech)
        error = (await caller.until("error"))[-1]["error"]
    assert (error["type"], error["code"]) == ("server_error", "hear_failed")
    await doors.model.lends(0)


async def test_sound_faster_than_real_time_is_heard_in_order(doors: Doors, speech: bytes) -> None:
    """Thirty seconds at once, of a client that then waits."""
    async with calling(doors) as caller, asyncio.TaskGroup() as group:
        group.create_task(caller.say(speech * 8))
        for _ in range(8):
            events = await caller.until(f"{TRANSCRIPTION}.completed")
            assert events[-1]["transcript"].startswith("one two three")


@pytest.mark.parametrize(
    ("query", "status"), [("model=whisper-9", 404), ("intent=conversation", 400)]
)
async def test_what_it_is_not_is_refused_before_the_call(
    doors: Doors, query: str, status: int
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
        async with calling(doors, query):
            pass
    assert raised.value.status == status


async def test_a_full_engine_says_so_and_so_does_one_without_a_key(
    doors: Doors, http: aiohttp.ClientSession
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
        await http.ws_connect(f"{doors.v1}/realtime")
    assert raised.value.status == 401
    async with calling(doors):
        assert doors.gate.held == 1
        assert await doors.gate.drain(0) is False
        with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
            await http.ws_connect(f"{doors.v1}/realtime", headers=HEADERS)
    assert raised.value.status == 503


async def test_an_engine_that_stops_tells_its_clients(doors: Doors) -> None:
    async with calling(doors) as caller:
        drained = asyncio.create_task(doors.gate.drain(5))
        error = (await caller.until("error"))[-1]["error"]
        assert error["code"] == "stopping"
        await caller.websocket.receive()
        assert await drained


async def test_openais_client_hears_with_it(doors: Doors, speech: bytes) -> None:
    events: list[RealtimeServerEvent] = []
    async with (
        openai.AsyncOpenAI(base_url=doors.v1, api_key=KEY) as client,
        client.realtime.connect(
            model="counting", extra_query={"intent": "transcription"}
        ) as connection,
    ):
        await connection.session.update(
            session={
                "type": "transcription",
                "audio": {
                    "input": {
                        "format": {"type": "audio/pcm", "rate": 24_000},
                        "transcription": {"model": "counting", "language": "en"},
                        "turn_detection": {"type": "server_vad", "silence_duration_ms": 300},
                    }
                },
            }
        )
        for start in range(0, len(speech), PIECE):
            piece = base64.b64encode(speech[start : start + PIECE]).decode()
            await connection.input_audio_buffer.append(audio=piece)
        async for event in connection:
            events.append(event)
            if event.type == "conversation.item.input_audio_transcription.completed":
                assert event.transcript.startswith("one two three")
                assert event.usage.type == "duration"
                break
    assert [event.type for event in events[:2]] == ["session.created", "session.updated"]
    assert doors.model.started_with[-1].language == "en"


async def test_livekits_plugin_hears_with_it(doors: Doors, speech: bytes) -> None:
    """Its second stream goes on with the first one's socket."""
    async with (
        http_context.open(),
        openai.AsyncOpenAI(base_url=doors.v1, api_key=KEY) as client,
    ):
        ears = livekit_openai.STT(client=client, model="counting", use_realtime=True)
        finals = [await _recognized(ears, speech) for _ in range(2)]
        await ears.aclose()
    assert all(text.startswith("one two three") for text in finals)


async def _recognized(ears: stt.STT, pcm: bytes) -> str:
    kinds: list[stt.SpeechEventType] = []
    async with asyncio.timeout(10), ears.stream() as stream:
        for start in range(0, len(pcm), PIECE):
            piece = pcm[start : start + PIECE]
            stream.push_frame(rtc.AudioFrame(piece, RATE, 1, len(piece) // 2))
        async for event in stream:
            kinds.append(event.type)
            if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                assert stt.SpeechEventType.START_OF_SPEECH in kinds
                assert stt.SpeechEventType.INTERIM_TRANSCRIPT in kinds
                return event.alternatives[0].text
    raise AssertionError("no final came")
