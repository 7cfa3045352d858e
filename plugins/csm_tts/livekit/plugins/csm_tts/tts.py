"""LiveKit's TTS, spoken by a CSM engine."""

import weakref
from collections.abc import AsyncIterator, Callable

import aiohttp
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.plugins.csm_tts.budget import Budget
from livekit.plugins.csm_tts.line import Line
from livekit.plugins.csm_tts.socket import Address, EngineSocket
from livekit.plugins.csm_tts.speaking import Report, Speaking

from csm_engine.protocol import PATH, SAMPLE_RATE, SessionConfig


class TTS(tts.TTS):
    """One TTS is one call is one conversation with the engine.

    Args:
        url: the engine's address, `http://127.0.0.1:8102` say.
        voice, language: as the engine knows them.
        key: the engine's bearer key.
        http_session: LiveKit's own by default, inside a job.
        max_lead: seconds of sound that may wait to be taken from a stream; past them the socket is
            not read, so that the engine stops too.
    """

    def __init__(
        self,
        url: str,
        *,
        voice: str = "default",
        language: str = "en",
        key: str | None = None,
        http_session: aiohttp.ClientSession | None = None,
        max_lead: float = 1.0,
    ) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
        )
        config = SessionConfig(voice=voice, language=language)
        self._address = Address(url.rstrip("/") + PATH, key, config)
        self._http = http_session
        self._model = "csm"
        self.max_lead = max_lead
        self.line = Line(self._open)
        self._streams: weakref.WeakSet[Stream | Chunked] = weakref.WeakSet()

    @property
    def model(self) -> str:
        """What the engine said it runs, once a socket has been opened."""
        return self._model

    @property
    def provider(self) -> str:
        return "csm_engine"

    def prewarm(self) -> None:
        self.line.warm(DEFAULT_API_CONNECT_OPTIONS.timeout)

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> "Stream":
        stream = Stream(csm=self, conn_options=conn_options)
        self._streams.add(stream)
        return stream

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> "Chunked":
        stream = Chunked(csm=self, text=text, conn_options=conn_options)
        self._streams.add(stream)
        return stream

    async def aclose(self) -> None:
        """Ends every stream and hangs up. LiveKit's sessions do not call it: whoever made this does."""
        for stream in list(self._streams):
            await stream.aclose()
        await self.line.aclose()

    async def _open(self, timeout: float) -> EngineSocket:
        try:
            http = self._http or utils.http_context.http_session()
        except RuntimeError as error:
            raise APIConnectionError(str(error), retryable=False) from error
        socket = await EngineSocket.open(http, self._address, timeout)
        self._model = socket.model
        return socket


class Stream(tts.SynthesizeStream):
    """Speaks a text while it is being written, sentence by sentence."""

    def __init__(self, *, csm: TTS, conn_options: APIConnectOptions) -> None:
        self._budget = Budget(csm.max_lead)
        self._line = csm.line
        super().__init__(tts=csm, conn_options=conn_options)

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        id = _begin(output_emitter, stream=True)
        output_emitter.start_segment(segment_id=id)
        report = _report(self, self._mark_started)
        speaking = Speaking(
            self._line, output_emitter, self._budget, self._conn_options.timeout, report
        )
        await speaking.run(id, self._input_ch)
        if self._pushed_text.strip():
            speaking.ensure_sound()

    async def __anext__(self) -> tts.SynthesizedAudio:
        event = await super().__anext__()
        self._budget.take(event.frame.duration)
        return event


class Chunked(tts.ChunkedStream):
    """Speaks a whole text."""

    def __init__(self, *, csm: TTS, text: str, conn_options: APIConnectOptions) -> None:
        self._budget = Budget(csm.max_lead)
        self._line = csm.line
        super().__init__(tts=csm, input_text=text, conn_options=conn_options)

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        id = _begin(output_emitter, stream=False)
        report = _report(self, lambda: None)
        speaking = Speaking(
            self._line, output_emitter, self._budget, self._conn_options.timeout, report
        )
        await speaking.run(id, _once(self._input_text))
        if self._input_text.strip():
            speaking.ensure_sound()

    async def __anext__(self) -> tts.SynthesizedAudio:
        event = await super().__anext__()
        self._budget.take(event.frame.duration)
        return event


def _begin(emitter: tts.AudioEmitter, *, stream: bool) -> str:
    id = utils.shortuuid("csm_")
    emitter.initialize(
        request_id=id, sample_rate=SAMPLE_RATE, num_channels=1, mime_type="audio/pcm", stream=stream
    )
    return id


def _report(stream: Stream | Chunked, started: Callable[[], None]) -> Report:
    def connected(seconds: float, kept: bool) -> None:
        stream._acquire_time, stream._connection_reused = seconds, kept

    def skipped(error: APIError) -> None:
        stream._emit_error(error, recoverable=True)
        stream._current_attempt_has_error = False  # the attempt goes on, and its metrics count

    return Report(connected, started, skipped)


async def _once(text: str) -> AsyncIterator[str]:
    yield text
