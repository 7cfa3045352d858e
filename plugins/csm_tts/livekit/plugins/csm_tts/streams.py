"""LiveKit's two kinds of speech: of a text that is being written, and of a whole one."""

from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass

from livekit.agents import APIConnectOptions, APIError, tts, utils
from livekit.plugins.csm_tts.budget import Budget
from livekit.plugins.csm_tts.line import Line
from livekit.plugins.csm_tts.memory import Memory
from livekit.plugins.csm_tts.phrasing import sentences
from livekit.plugins.csm_tts.playing import SPOKEN
from livekit.plugins.csm_tts.speaking import Report, Speaking

from csm_engine.protocol import SAMPLE_RATE


@dataclass(frozen=True)
class Manner:
    """How streams of one TTS speak."""

    line: Line
    memory: Memory
    max_lead: float
    first_clause: bool


class Stream(tts.SynthesizeStream):
    """Speaks a text while it is being written, sentence by sentence."""

    def __init__(self, *, csm: tts.TTS, manner: Manner, conn_options: APIConnectOptions) -> None:
        self._manner = manner
        self._budget = Budget(manner.max_lead)
        self._spoken = manner.memory.begin(self._budget)
        super().__init__(tts=csm, conn_options=conn_options)

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        id = _begin(output_emitter, stream=True)
        output_emitter.start_segment(segment_id=id)
        speaking = _speaking(self, output_emitter, self._mark_started)
        await _speak(self, speaking, id, self._input_ch)
        if self._pushed_text.strip():
            speaking.ensure_sound()

    async def __anext__(self) -> tts.SynthesizedAudio:
        return _taken(self, await super().__anext__())


class Chunked(tts.ChunkedStream):
    """Speaks a whole text."""

    def __init__(
        self, *, csm: tts.TTS, manner: Manner, text: str, conn_options: APIConnectOptions
    ) -> None:
        self._manner = manner
        self._budget = Budget(manner.max_lead)
        self._spoken = manner.memory.begin(self._budget)
        super().__init__(tts=csm, input_text=text, conn_options=conn_options)

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        id = _begin(output_emitter, stream=False)
        speaking = _speaking(self, output_emitter, lambda: None)
        await _speak(self, speaking, id, _once(self._input_text))
        if self._input_text.strip():
            speaking.ensure_sound()

    async def __anext__(self) -> tts.SynthesizedAudio:
        return _taken(self, await super().__anext__())


def _begin(emitter: tts.AudioEmitter, *, stream: bool) -> str:
    id = utils.shortuuid("csm_")
    emitter.initialize(
        request_id=id, sample_rate=SAMPLE_RATE, num_channels=1, mime_type="audio/pcm", stream=stream
    )
    return id


def _speaking(
    stream: Stream | Chunked, emitter: tts.AudioEmitter, started: Callable[[], None]
) -> Speaking:
    def connected(seconds: float, kept: bool) -> None:
        stream._acquire_time, stream._connection_reused = seconds, kept

    def went_on(error: APIError) -> None:
        stream._emit_error(error, recoverable=True)
        stream._current_attempt_has_error = False  # the attempt goes on, and its metrics count

    manner = stream._manner
    report = Report(connected, started, manner.memory.said, went_on)
    return Speaking(manner.line, emitter, stream._spoken, stream._conn_options, report)


async def _speak(
    stream: Stream | Chunked, speaking: Speaking, id: str, text: AsyncIterable[object]
) -> None:
    stream._spoken.over = False  # LiveKit may have tried before
    try:
        await speaking.run(id, sentences(text, first_clause=stream._manner.first_clause))
    finally:
        stream._spoken.over = True


def _taken(stream: Stream | Chunked, event: tts.SynthesizedAudio) -> tts.SynthesizedAudio:
    event.frame.userdata[SPOKEN] = stream._spoken
    stream._budget.take(event.frame.duration)
    return event


async def _once(text: str) -> AsyncIterator[str]:
    yield text
