"""The plugin against engines that fail it: nothing said is lost or doubled, and only APIErrors come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from livekit import rtc
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    APITimeoutError,
)
from livekit.agents.stt import SpeechEventType
from livekit.plugins import whisper_stt

from tests.conformance.stt import (
    ONCE,
    MakeSTT,
    Spoken,
    finals,
    kinds,
    push,
    rest,
    said,
    until,
    watch,
)
from tests.serving.running import running
from tests.whisper_stt.conftest import KEY, Engine, app_of
from tests.whisper_stt.counting import Counting
from whisper_engine.protocol import MAX_MESSAGE_BYTES, PATH, Final, Ready

AGAIN = APIConnectOptions(max_retry=3, retry_interval=0.05, timeout=5.0)


async def test_a_lost_socket_is_replaced_in_mid_word_and_nothing_is_lost_or_doubled(
    engine: Engine, make_stt: MakeSTT, spoken: Spoken
) -> None:
    ears = make_stt()
    reported = watch(ears)
    frames = list(spoken.then_silence().frames())
    async with ears.stream(conn_options=AGAIN) as stream:
        for frame in frames[:80]:
            stream.push_frame(frame)
        events = await until(stream, SpeechEventType.INTERIM_TRANSCRIPT)
        engine.server.drop()
        for frame in frames[80:]:
            stream.push_frame(frame)
        stream.flush()
        events += await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        stream.end_input()
        events += await rest(stream)
    assert said(events) == spoken.words
    assert kinds(events).count(SpeechEventType.START_OF_SPEECH) == 1
    assert kinds(events).count(SpeechEventType.END_OF_SPEECH) == 1
    assert [error.recoverable for error in reported.errors] == [True]
    assert reported.audio_seconds == pytest.approx(spoken.seconds + 1.0, abs=0.1)


async def test_a_flush_that_was_not_answered_is_asked_again(
    engine: Engine, make_stt: MakeSTT, spoken: Spoken
) -> None:
    async with make_stt().stream(conn_options=AGAIN) as stream:
        push(stream, spoken.then_silence())
        await until(stream, SpeechEventType.PREFLIGHT_TRANSCRIPT)
        engine.model.may_work.clear()
        push(stream, spoken.then_silence())
        stream.flush()
        await engine.model.waits.wait()
        engine.server.drop()
        engine.model.may_work.set()
        stream.end_input()
        events = await rest(stream)
    assert len(finals(events)) == 1
    assert said(events).startswith(spoken.words + " ")


async def test_what_was_answered_before_the_loss_is_not_said_again(
    engine: Engine, make_stt: MakeSTT, spoken: Spoken
) -> None:
    async with make_stt().stream(conn_options=AGAIN) as stream:
        push(stream, spoken.then_silence())
        stream.flush()
        first = await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        engine.server.drop()
        push(stream, spoken.then_silence())
        stream.end_input()
        second = await rest(stream)
    assert said(first) == said(second) == spoken.words
    times = [final.start_time for final in finals(first + second)]
    assert times[1] - times[0] == pytest.approx(spoken.seconds + 1.0, abs=0.1)


async def test_an_engine_that_stays_away_ends_the_stream_with_an_api_error(
    http: aiohttp.ClientSession, spoken: Spoken
) -> None:
    app, _ = app_of(Counting())
    options = APIConnectOptions(max_retry=2, retry_interval=0.0, timeout=1.0)
    async with running(app, max_message=MAX_MESSAGE_BYTES) as server:
        ears = whisper_stt.STT(server.url, key=KEY, http_session=http)
        reported = watch(ears)
        stream = ears.stream(conn_options=options)
        push(stream, spoken)
        await until(stream, SpeechEventType.START_OF_SPEECH)
        server.drop()
    with pytest.raises(APIConnectionError):
        await rest(stream)
    await ears.aclose()
    assert [error.recoverable for error in reported.errors] == [True, True, False]


async def test_a_wrong_key_is_not_tried_again(make_stt: MakeSTT, spoken: Spoken) -> None:
    ears = make_stt(key="wrong")
    reported = watch(ears)
    async with ears.stream(conn_options=AGAIN) as stream:
        push(stream, spoken)
        with pytest.raises(APIStatusError) as raised:
            await rest(stream)
    assert raised.value.status_code == 401
    assert "WHISPER_LISTEN__KEY" in str(raised.value)
    assert [error.recoverable for error in reported.errors] == [False]


async def test_a_full_engine_may_be_tried_again(
    engine: Engine, make_stt: MakeSTT, spoken: Spoken
) -> None:
    ears = make_stt()
    held = [engine.gate.session() for _ in range(engine.gate.limit)]
    for session in held:
        session.__enter__()
    with pytest.raises(APIStatusError) as raised:
        await ears.recognize(list(spoken.frames()), conn_options=ONCE)
    assert raised.value.status_code == 503
    assert raised.value.retryable
    for session in held:
        session.__exit__(None, None, None)
    event = await ears.recognize(list(spoken.frames()), conn_options=ONCE)
    assert event.alternatives[0].text == spoken.words


async def test_two_channels_are_an_api_error(make_stt: MakeSTT) -> None:
    stereo = rtc.AudioFrame(bytes(640), 16_000, 2, 160)
    async with make_stt().stream(conn_options=AGAIN) as stream:
        stream.push_frame(stereo)
        with pytest.raises(APIError, match="one channel"):
            await rest(stream)


async def test_outside_a_job_without_a_session_is_an_api_error(spoken: Spoken) -> None:
    ears = whisper_stt.STT("http://127.0.0.1:1")
    with pytest.raises(APIConnectionError, match="job context"):
        await ears.recognize(list(spoken.frames()), conn_options=ONCE)


async def test_the_language_and_the_keyterms_reach_the_engine(
    engine: Engine, make_stt: MakeSTT, spoken: Spoken
) -> None:
    ears = make_stt(language="de", keyterms=["Parley"])
    await ears.recognize(list(spoken.frames()), conn_options=ONCE)
    await ears.recognize(list(spoken.frames()), language="fr", conn_options=ONCE)
    told = [(start.language, start.keyterms) for start in engine.model.started_with]
    assert told == [("de", ("Parley",)), ("fr", ("Parley",))]
    assert ears.model == "counting"


READY = Ready(session_id="fake", model="fake").model_dump_json()


@pytest.mark.parametrize(
    "answers",
    [
        ["hello"],
        [b"\0\0"],
        [READY, "{"],
        [READY, '{"type": "song"}'],
        [READY, b"\0\0"],
        [READY, '{"type": "error", "code": "x", "message": "no", "retryable": false}'],
        [READY, '{"type": "final", "id": "1", "text": "x", "confidence": 7}'],
    ],
)
async def test_an_engine_that_talks_nonsense_is_an_api_error(
    make_stt: MakeSTT, spoken: Spoken, answers: list[str | bytes]
) -> None:
    async with saying(answers) as url, make_stt(url=url).stream(conn_options=ONCE) as stream:
        push(stream, spoken)
        with pytest.raises(APIError) as raised:
            await rest(stream)
        assert not raised.value.retryable or isinstance(raised.value, APIConnectionError)


async def test_an_engine_that_does_not_answer_a_flush_is_a_timeout(
    make_stt: MakeSTT, spoken: Spoken
) -> None:
    options = APIConnectOptions(max_retry=0, timeout=0.3)
    async with saying([READY]) as url, make_stt(url=url).stream(conn_options=options) as stream:
        push(stream, spoken)
        stream.flush()
        with pytest.raises(APITimeoutError):
            await rest(stream)


async def test_an_engine_that_never_ends_a_recording_is_a_timeout(
    make_stt: MakeSTT, spoken: Spoken
) -> None:
    options = APIConnectOptions(max_retry=0, timeout=0.3)
    final = Final(text="one", start=0, end=1, language="en", confidence=1).model_dump_json()
    async with saying([READY, final]) as url:
        with pytest.raises(APITimeoutError, match="does not answer"):
            await make_stt(url=url).recognize(list(spoken.frames()), conn_options=options)


async def test_an_empty_final_takes_back_what_was_shown(make_stt: MakeSTT, spoken: Spoken) -> None:
    times = '"start": 0, "end": 1, "language": "en", "confidence": 0.3'
    interim = f'{{"type": "interim", "text": "yes", {times}}}'
    final = Final(id="1", text="", start=0, end=1, language="en", confidence=0).model_dump_json()
    async with (
        saying([READY, interim, final]) as url,
        make_stt(url=url).stream(conn_options=ONCE) as stream,
    ):
        push(stream, spoken)
        stream.flush()
        events = await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
    shown = [event.alternatives[0].text for event in events if event.alternatives]
    assert shown == ["yes", "", ""]
    assert kinds(events)[-2:] == [
        SpeechEventType.INTERIM_TRANSCRIPT,
        SpeechEventType.FINAL_TRANSCRIPT,
    ]


@asynccontextmanager
async def saying(answers: list[str | bytes]) -> AsyncIterator[str]:
    """An engine that answers the first message with these and then listens on."""

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        for what in answers:
            await (socket.send_bytes(what) if isinstance(what, bytes) else socket.send_str(what))
        async for message in socket:
            assert message.type in {WSMsgType.BINARY, WSMsgType.TEXT}
        return socket

    app = web.Application()
    app.router.add_get(PATH, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def test_a_stream_may_be_opened_and_closed_without_waiting(make_stt: MakeSTT) -> None:
    """LiveKit does it at every cleared turn."""
    ears = make_stt()
    async with asyncio.timeout(5):
        for _ in range(50):
            await ears.stream(conn_options=ONCE).aclose()
