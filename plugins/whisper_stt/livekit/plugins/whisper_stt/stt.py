"""LiveKit's STT, heard by a Whisper engine."""

import asyncio
import weakref
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

import aiohttp
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, LanguageCode, stt, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.plugins.whisper_stt.errors import one_api_error
from livekit.plugins.whisper_stt.events import Events
from livekit.plugins.whisper_stt.socket import Address, EngineSocket, connect, mono_pcm
from livekit.plugins.whisper_stt.stream import Stream

from whisper_engine.protocol import PATH, SAMPLE_RATE, End, Ended, Final, Start


class STT(stt.STT):
    """Streams share nothing but this address: each has a socket of its own.

    Args:
        url: the engine's address, `http://127.0.0.1:8101` say.
        language: what is spoken, as the engine's model knows it.
        keyterms: words to expect; a model may ignore them, and the rehearsal model does.
        key: the engine's bearer key.
        http_session: LiveKit's own by default, inside a job.
    """

    def __init__(
        self,
        url: str,
        *,
        language: str = "en",
        keyterms: Sequence[str] = (),
        key: str | None = None,
        http_session: aiohttp.ClientSession | None = None,
    ) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True,
                interim_results=True,
                aligned_transcript="word",
                offline_recognize=True,
                manual_flush=True,
            )
        )
        self._address = Address(url.rstrip("/") + PATH, key)
        self._start = Start(language=language, keyterms=tuple(keyterms))
        self._http = http_session
        self._model = "whisper"
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()

    @property
    def model(self) -> str:
        """What the engine said it runs, once a socket has been opened."""
        return self._model

    @property
    def provider(self) -> str:
        return "whisper_engine"

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> Stream:
        stream = Stream(
            whisper=self,
            connect=partial(self._connect, self._start_of(language)),
            conn_options=conn_options,
        )
        self._streams.add(stream)
        return stream

    async def aclose(self) -> None:
        """Ends every stream. LiveKit's sessions do not call it: whoever made this does."""
        for stream in list(self._streams):
            await stream.aclose()

    async def _recognize_impl(
        self,
        buffer: utils.AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        start = self._start_of(language).model_copy(update={"interim_results": False})
        pcm = _to_pcm(rtc.combine_audio_frames(buffer))
        try:
            async with self._connect(start, conn_options.timeout) as socket:
                finals = await _hear_all(socket, pcm)
        except ExceptionGroup as group:
            raise one_api_error(group) from group
        events = [event for final in finals for event in Events(0.0).of(final)]
        return _joined(events, start.language, socket.session_id)

    def _connect(self, start: Start, timeout: float) -> AbstractAsyncContextManager[EngineSocket]:
        try:
            http = self._http or utils.http_context.http_session()
        except RuntimeError as error:
            raise APIConnectionError(str(error), retryable=False) from error
        return connect(http, self._address, start, timeout, self._learn_model)

    def _learn_model(self, model: str) -> None:
        self._model = model

    def _start_of(self, language: NotGivenOr[str]) -> Start:
        if not utils.is_given(language):
            return self._start
        return self._start.model_copy(update={"language": language})


async def _hear_all(socket: EngineSocket, pcm: bytes) -> list[Final]:
    finals: list[Final] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(_say(socket, pcm))
        while not isinstance(message := await socket.receive(), Ended):
            if isinstance(message, Final):
                finals.append(message)
    return finals


async def _say(socket: EngineSocket, pcm: bytes) -> None:
    await socket.send_audio(pcm)
    await socket.send(End())


def _to_pcm(frame: rtc.AudioFrame) -> bytes:
    if frame.sample_rate == SAMPLE_RATE:
        return mono_pcm(frame)
    resampler = rtc.AudioResampler(
        frame.sample_rate, SAMPLE_RATE, quality=rtc.AudioResamplerQuality.HIGH
    )
    return b"".join(map(mono_pcm, [*resampler.push(frame), *resampler.flush()]))


def _joined(events: list[stt.SpeechEvent], language: str, request_id: str) -> stt.SpeechEvent:
    """The engine cuts long speech into several finals; LiveKit wants one."""
    parts = [event.alternatives[0] for event in events if event.alternatives[0].text]
    data = stt.SpeechData(
        language=parts[0].language if parts else LanguageCode(language),
        text=" ".join(part.text for part in parts),
        start_time=parts[0].start_time if parts else 0.0,
        end_time=parts[-1].end_time if parts else 0.0,
        confidence=min((part.confidence for part in parts), default=0.0),
        words=[word for part in parts for word in part.words or ()] or None,
    )
    return stt.SpeechEvent(stt.SpeechEventType.FINAL_TRANSCRIPT, request_id, [data])
