"""A voice that says nothing, in the time and with the word timings of one that speaks."""

from collections.abc import Callable

from livekit.agents import APIConnectionError, APIConnectOptions, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, TimedString

from agent.clips import SAMPLE_RATE

SECONDS_A_WORD = 0.3
"""Of the agent's and the caller's alike."""


WORD = int(SECONDS_A_WORD * SAMPLE_RATE) * (1000).to_bytes(2, "little")
"""Its sound: loud, and nothing else."""


class Voice(tts.TTS):
    """Speaks at once, each word timed. `works()` says whether it can be reached."""

    def __init__(self, works: Callable[[], bool] = lambda: True) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
        )
        self.works = works

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return self._synthesize_with_stream(text, conn_options=conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        return _Speech(tts=self, conn_options=conn_options)


class _Speech(tts.SynthesizeStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        id = utils.shortuuid("rehearsed_")
        output_emitter.initialize(
            request_id=id,
            sample_rate=SAMPLE_RATE,
            num_channels=1,
            mime_type="audio/pcm",
            stream=True,
        )
        output_emitter.start_segment(segment_id=id)
        voice = self._tts
        assert isinstance(voice, Voice)
        said, rest = 0.0, ""
        async for item in self._input_ch:
            if not voice.works():
                raise APIConnectionError("the voice is away")
            self._mark_started()
            *words, rest = (rest + item).split(" ") if isinstance(item, str) else (rest, "")
            for word in words:
                said = _speak(word, said, output_emitter)
        _speak(rest, said, output_emitter)


def _speak(word: str, said: float, emitter: tts.AudioEmitter) -> float:
    """Where in the speech it ends, in seconds."""
    if not word.strip():
        return said
    end = said + SECONDS_A_WORD
    emitter.push_timed_transcript(TimedString(f"{word} ", start_time=said, end_time=end))
    emitter.push(WORD)
    return end
