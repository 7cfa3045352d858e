"""What stands in for the caller's sound in text: a timeline that voice detector and ears are told.

No frame of audio passes; the framework gets the events that it would get for such a sound.
"""

import asyncio
from collections.abc import Callable, Iterator

import numpy as np
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, llm, stt, utils, vad
from livekit.agents.language import LanguageCode
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr

from agent.session import VAD_SILENCE

TICK = 0.032
"""Seconds of silero's window: a voice detector says something as often."""
ONSET = 0.05
"""Seconds of sound until it is speech."""
LAG = 0.3
"""Seconds after which the ears have a word."""
SETTLED = 0.2
"""Seconds of silence after which the ears prepare a final text."""
TONE, TONE_LEVEL, TONE_RATE, TAIL = 1_000, 6_000, 16_000, 0.2
"""Hertz of a machine's beep, its level, sample rate, and the seconds of silence behind it."""
FINISHED, UNFINISHED = 0.9, 0.05
"""End-of-turn scores."""


class Line:
    """The caller's sound as it comes in: `loud` for the voice detector, words for the ears."""

    def __init__(self, language: str, works: Callable[[], bool] = lambda: True) -> None:
        self.vad = _Detector()
        self.ears = _Ears(language, works)
        self.turns = _Turns(self.ears)
        self._loud_until = 0.0
        self._loud = asyncio.Event()

    def noise(self, seconds: float) -> None:
        """Sound without words, from now on."""
        self._loud_until = max(self._loud_until, _now() + seconds)
        self.ears.quiet_from = self._loud_until
        self.ears.made_sound = True
        self._loud.set()

    def rustle(self, seconds: float) -> None:
        """A voice detector knows near from far no more than this."""
        self.noise(seconds)

    async def say(self, words: list[str], seconds: float, *, trails_off: bool) -> None:
        """Returns when the last word is out."""
        self.ears.score = UNFINISHED if trails_off else FINISHED
        self.noise(seconds)
        for word in words:
            await asyncio.sleep(seconds / len(words))
            self.ears.hear(word)

    def echo(self, word: str, seconds: float) -> None:
        """The line says this from now on, whatever else is said."""
        self.noise(seconds)
        asyncio.get_running_loop().call_later(seconds, self.ears.hear, word)

    async def beep(self, seconds: float, hear: Callable[[rtc.AudioFrame], None]) -> None:
        """A machine's tone, the one sound of a caller's that is heard as such."""
        self.noise(seconds)
        for frame in tone(seconds):
            hear(frame)
            await asyncio.sleep(frame.duration)

    async def run(self) -> None:
        """Detect speech, until cancelled."""
        while True:
            self._loud.clear()
            await self._loud.wait()
            await self._speech()

    async def _speech(self) -> None:
        spoken = silent = 0.0
        speaking = False
        while silent < VAD_SILENCE:
            await asyncio.sleep(TICK)
            if _now() < self._loud_until:
                spoken, silent = spoken + TICK, 0.0
            else:
                silent += TICK
            if not speaking and spoken >= ONSET:
                speaking = True
                self.vad.tell(vad.VADEventType.START_OF_SPEECH, spoken, silent)
            self.vad.tell(vad.VADEventType.INFERENCE_DONE, spoken if speaking else 0.0, silent)
        if speaking:
            self.vad.tell(vad.VADEventType.END_OF_SPEECH, spoken, silent)


class _Detector(vad.VAD):
    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=TICK))
        self._streams: list[_DetectorStream] = []

    def stream(self) -> vad.VADStream:
        self._streams.append(_DetectorStream(self))
        return self._streams[-1]

    def tell(self, kind: vad.VADEventType, spoken: float, silent: float) -> None:
        event = vad.VADEvent(
            type=kind,
            samples_index=0,
            timestamp=_now(),
            speech_duration=spoken,
            silence_duration=silent,
            probability=0.0 if silent else 0.95,
            speaking=spoken > 0,
            raw_accumulated_silence=silent,
            raw_accumulated_speech=0.0 if silent else spoken,
        )
        for stream in self._streams:
            stream.tell(event)


class _DetectorStream(vad.VADStream):
    def tell(self, event: vad.VADEvent) -> None:
        if not self._event_ch.closed:
            self._event_ch.send_nowait(event)

    async def _main_task(self) -> None:
        async for _ in self._input_ch:
            continue


class _Ears(stt.STT):
    """As the Whisper engine's: interims while one speaks, a text prepared in the pause, one final."""

    def __init__(self, language: str, works: Callable[[], bool]) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True, interim_results=True, offline_recognize=False, manual_flush=True
            )
        )
        self.score = FINISHED
        self.made_sound = False
        self.quiet_from = 0.0
        self.works = works
        self._language = LanguageCode(language)
        self._said: list[str] = []
        self._stream: _EarsStream | None = None

    def hear(self, word: str) -> None:
        self._said.append(word)
        loop = asyncio.get_running_loop()
        loop.call_later(LAG, self._offer, stt.SpeechEventType.INTERIM_TRANSCRIPT, len(self._said))
        loop.call_later(
            SETTLED, self._offer, stt.SpeechEventType.PREFLIGHT_TRANSCRIPT, len(self._said)
        )

    def finish(self) -> stt.SpeechEvent | None:
        """The final text of what was said since the last one; None where there was no sound."""
        if not self.made_sound:
            return None
        self.made_sound = False
        text, self._said = " ".join(self._said), []
        return self._event(stt.SpeechEventType.FINAL_TRANSCRIPT, text)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        self._stream = _EarsStream(stt=self, conn_options=conn_options)
        return self._stream

    async def _recognize_impl(
        self,
        buffer: utils.AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        raise NotImplementedError("these ears hear no file")

    def _offer(self, kind: stt.SpeechEventType, words: int) -> None:
        """Unless more has been said since, or a final has told it all."""
        if self._stream is None or len(self._said) < words or not self.works():
            return
        if kind is stt.SpeechEventType.PREFLIGHT_TRANSCRIPT and _now() < self.quiet_from:
            return
        self._stream.tell(self._event(kind, " ".join(self._said[:words])))

    def _event(self, kind: stt.SpeechEventType, text: str) -> stt.SpeechEvent:
        return stt.SpeechEvent(
            type=kind, alternatives=[stt.SpeechData(self._language, text, confidence=1.0)]
        )


class _EarsStream(stt.RecognizeStream):
    def tell(self, event: stt.SpeechEvent) -> None:
        if not self._event_ch.closed:
            self._event_ch.send_nowait(event)

    async def _run(self) -> None:
        ears = self._stt
        assert isinstance(ears, _Ears)
        if not ears.works():
            raise APIConnectionError("the ears are away")
        async for item in self._input_ch:
            if not ears.works():
                raise APIConnectionError("the ears are away")
            if not isinstance(item, rtc.AudioFrame) and (final := ears.finish()):
                self.tell(final)


class _Turns:
    """The framework's turn detector, who knows how the last words were meant."""

    model = "rehearsed"
    provider = "parley"

    def __init__(self, ears: _Ears) -> None:
        self._ears = ears

    async def supports_language(self, language: LanguageCode | None) -> bool:
        return True

    async def unlikely_threshold(self, language: LanguageCode | None) -> float | None:
        return 0.25

    async def predict_end_of_turn(
        self, chat_ctx: llm.ChatContext, *, timeout: float | None = None
    ) -> float:
        return self._ears.score


def tone(seconds: float) -> Iterator[rtc.AudioFrame]:
    """Frames of 20 ms: so much of a tone, and a little silence."""
    size = TONE_RATE // 50
    time = np.arange(int((seconds + TAIL) * TONE_RATE)) / TONE_RATE
    sound = np.where(time < seconds, TONE_LEVEL * np.sin(2 * np.pi * TONE * time), 0.0)
    pcm = sound.astype(np.int16)
    for start in range(0, len(pcm) - size + 1, size):
        yield rtc.AudioFrame(pcm[start : start + size].tobytes(), TONE_RATE, 1, size)


def _now() -> float:
    return asyncio.get_running_loop().time()
