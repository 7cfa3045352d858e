"""LiveKit's STT, heard by a Whisper engine."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Protocol

import aiohttp
from livekit.agents import APIConnectionError, APIConnectOptions, stt, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.plugins.whisper_stt.errors import one_api_error
from livekit.plugins.whisper_stt.events import Events
from livekit.plugins.whisper_stt.local import LINGER, Local
from livekit.plugins.whisper_stt.options import Languages, Options
from livekit.plugins.whisper_stt.pool import Pool
from livekit.plugins.whisper_stt.recognition import hear_all, joined, to_pcm
from livekit.plugins.whisper_stt.socket import EngineSocket
from livekit.plugins.whisper_stt.stream import Stream

from whisper_engine.protocol import Start

Http = Callable[[], aiohttp.ClientSession]


class _Engines(Protocol):
    """Where hearing comes from."""

    def connect(
        self, start: Start, timeout: float
    ) -> AbstractAsyncContextManager[EngineSocket]: ...


class STT(stt.STT):
    """Each stream has a socket of its own. Give `url` or `model`.

    Args:
        url: an engine's address, `http://127.0.0.1:8101` say; or those of several, of which a new
            call goes to the one with most room.
        model: of an engine on this machine, `base.en` say. The first process that needs it starts
            it, the last one that ends ends it. Needs the extra `engine`.
        device: where `model` runs, `cpu` or `cuda`; the engine chooses when it is None.
        linger: seconds that the engine of `model` outlives its last user; whoever starts it says.
        language: what is spoken; or all that may be, the likeliest first, for the engine to detect.
        keyterms: words to expect, at most 100.
        prompt: what a transcript of this kind reads like, at most 1,000 characters.
        key: the bearer key of the engines at `url`.
        http_session: LiveKit's own by default, inside a job.

    Raises ValueError for any of them that cannot be.
    """

    def __init__(
        self,
        url: str | Sequence[str] | None = None,
        *,
        model: str | None = None,
        device: str | None = None,
        linger: float = LINGER,
        language: Languages = "en",
        keyterms: Sequence[str] = (),
        prompt: str = "",
        key: str | None = None,
        http_session: aiohttp.ClientSession | None = None,
    ) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True,
                interim_results=True,
                aligned_transcript="word",
                offline_recognize=True,
                keyterms=True,
                manual_flush=True,
            )
        )
        self._options = Options(language, tuple(keyterms), prompt)
        self._options.start()  # raises now rather than in the first call
        http = partial(_session, http_session)
        self._local = _local(url=url, key=key, model=model, device=device, linger=linger, http=http)
        self._engines: _Engines = self._local or Pool(_addresses(url), key, http)
        self._model = model or "whisper"
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()

    @property
    def model(self) -> str:
        """What the engine said it runs, once a socket has been opened."""
        return self._model

    @property
    def provider(self) -> str:
        return "whisper_engine"

    def prewarm(self) -> None:
        """Start the engine of `model`, unless it runs, and keep it until `aclose`. Does not wait."""
        if self._local is not None:
            self._local.begin()

    def stream(
        self,
        *,
        language: NotGivenOr[Languages] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> Stream:
        """Raises ValueError for a language that the wire does not take."""
        self._start_of(language)
        stream = Stream(
            whisper=self,
            connect=lambda timeout: self._connect(self._start_of(language), timeout),
            conn_options=conn_options,
        )
        self._streams.add(stream)
        return stream

    def update_options(
        self,
        *,
        language: NotGivenOr[Languages] = NOT_GIVEN,
        keyterms: NotGivenOr[Sequence[str]] = NOT_GIVEN,
        prompt: NotGivenOr[str] = NOT_GIVEN,
    ) -> None:
        """For streams that are open too, from their next utterance on. Raises ValueError."""
        options = self._options
        if utils.is_given(language):
            options = replace(options, language=language)
        if utils.is_given(keyterms):
            options = replace(options, keyterms=tuple(keyterms))
        if utils.is_given(prompt):
            options = replace(options, prompt=prompt)
        self._adopt(options)

    async def aclose(self) -> None:
        """Ends every stream. LiveKit's sessions do not call it: whoever made this does."""
        for stream in list(self._streams):
            await stream.aclose()
        if self._local is not None:
            self._local.close()

    def _update_session_keyterms(self, keyterms: list[str]) -> None:
        self._adopt(replace(self._options, session_keyterms=tuple(keyterms)))

    def _adopt(self, options: Options) -> None:
        changed = options.start() != self._options.start()
        self._options = options
        if changed:
            for stream in list(self._streams):
                stream.renew()

    async def _recognize_impl(
        self,
        buffer: utils.AudioBuffer,
        *,
        language: NotGivenOr[Languages] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        start = self._start_of(language).model_copy(update={"interim_results": False})
        pcm = await asyncio.to_thread(to_pcm, buffer)
        try:
            async with self._connect(start, conn_options.timeout) as socket:
                finals = await hear_all(socket, pcm, conn_options.timeout)
        except ExceptionGroup as group:
            error = one_api_error(group)
            raise error from error.__cause__ or group
        events = [event for final in finals for event in Events(0.0).of(final)]
        return joined(events, start.language, socket.session_id)

    @asynccontextmanager
    async def _connect(self, start: Start, timeout: float) -> AsyncIterator[EngineSocket]:
        async with self._engines.connect(start, timeout) as socket:
            self._model = socket.model
            yield socket

    def _start_of(self, language: NotGivenOr[Languages]) -> Start:
        return self._options.start(language if utils.is_given(language) else None)


def _local(
    *,
    url: str | Sequence[str] | None,
    key: str | None,
    model: str | None,
    device: str | None,
    linger: float,
    http: Http,
) -> Local | None:
    if (url is None) == (model is None):
        raise ValueError(
            "say who hears: STT(url=…) for an engine that runs, or STT(model=…) to start one here"
        )
    if model is None:
        if device is not None:
            raise ValueError("device= goes with model=: the engine at url= chose its own")
        return None
    if key is not None:
        raise ValueError("key= goes with url=: the engine of model= has a key of its own")
    return Local(model, device, linger, http)


def _addresses(url: str | Sequence[str] | None) -> list[str]:
    urls = [url] if isinstance(url, str) else list(url or ())
    for one in urls:
        if not one.startswith(("http://", "https://")):
            raise ValueError(f"{one!r} is no engine's address: http://HOST:PORT or https://… is")
    if not urls:
        raise ValueError("url=[] names no engine: give one or several")
    return [one.rstrip("/") for one in urls]


def _session(given: aiohttp.ClientSession | None) -> aiohttp.ClientSession:
    try:
        return given or utils.http_context.http_session()
    except RuntimeError as error:
        raise APIConnectionError(str(error), retryable=False) from error
