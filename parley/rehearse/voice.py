"""A voice that makes no words, in the time and with the timings of one that does.

Each word is a stretch of one sample value, by which a listener knows it: what is heard is what came
through, not what anybody says of it.
"""

from collections.abc import Callable

from livekit.agents import APIConnectionError, APIConnectOptions, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, TimedString

from agent.clips import SAMPLE_RATE

SECONDS_A_WORD = 0.3
"""Of the agent's and the caller's alike."""
SAMPLES_A_WORD = int(SECONDS_A_WORD * SAMPLE_RATE)
FIRST = 4_000
"""Sample value of the first word; the next has one more."""
LAST = 32_767


class Voice(tts.TTS):
    """Speaks at once, each word timed. `works()` says whether it can be reached."""

    def __init__(self, works: Callable[[], bool] = lambda: True) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
        )
        self.works = works
        self._words: list[str] = []

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return self._synthesize_with_stream(text, conn_options=conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        return _Speech(tts=self, conn_options=conn_options)

    def sound_of(self, word: str) -> bytes:
        """s16le. Of a call that says more words than there are values, the last are all alike."""
        self._words.append(word)
        value = min(FIRST + len(self._words) - 1, LAST)
        return SAMPLES_A_WORD * value.to_bytes(2, "little")

    def word_of(self, value: int) -> str | None:
        """The word whose sound has this sample value."""
        number = value - FIRST
        return self._words[number] if 0 <= number < len(self._words) else None


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
                said = _speak(voice, word, said, output_emitter)
        _speak(voice, rest, said, output_emitter)


def _speak(voice: Voice, word: str, said: float, emitter: tts.AudioEmitter) -> float:
    """Where in the speech it ends, in seconds."""
    if not word.strip():
        return said
    end = said + SECONDS_A_WORD
    emitter.push_timed_transcript(TimedString(f"{word} ", start_time=said, end_time=end))
    emitter.push(voice.sound_of(word))
    return end
