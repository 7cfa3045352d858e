"""A caller by script: a voice that the session's detector hears, and words that its ears do."""

import asyncio
from collections.abc import Callable, Sequence

from livekit.agents import APIConnectOptions, stt, vad
from livekit.agents.language import LanguageCode
from livekit.agents.stt import SpeechEventType
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer

MIN_SPEECH = 0.05
SILENCE = 0.25
WINDOW = 0.032
EARS_NEED = 0.1
"""Seconds after the end of speech until its final words are there."""


class FakeVad(vad.VAD):
    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=WINDOW))
        self.streams: list[_VadStream] = []

    def stream(self) -> vad.VADStream:
        self.streams.append(_VadStream(self))
        return self.streams[-1]

    @property
    def min_silence_duration(self) -> float:
        return SILENCE


class _VadStream(vad.VADStream):
    async def _main_task(self) -> None:
        async for _ in self._input_ch:
            pass

    def tell(self, kind: vad.VADEventType, speech: float, silence: float) -> None:
        event = vad.VADEvent(
            type=kind,
            samples_index=0,
            timestamp=asyncio.get_running_loop().time(),
            speech_duration=speech,
            silence_duration=silence,
            speaking=not silence,
            raw_accumulated_speech=0.0 if silence else speech,
            raw_accumulated_silence=silence,
        )
        self._event_ch.send_nowait(event)


class FakeEars(stt.STT):
    """`answer`: they are said to answer each flush, as Whisper's do; the test has to do it."""

    def __init__(self, *, answer: bool) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True, interim_results=True, manual_flush=answer
            )
        )
        self.streams: list[_EarStream] = []

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.SpeechEvent:
        raise NotImplementedError

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        self.streams.append(_EarStream(stt=self, conn_options=conn_options))
        return self.streams[-1]


class _EarStream(stt.RecognizeStream):
    async def _run(self) -> None:
        async for _ in self._input_ch:
            pass

    def tell(self, kind: SpeechEventType, text: str) -> None:
        said = stt.SpeechData(language=LanguageCode("en"), text=text, confidence=0.9)
        self._event_ch.send_nowait(stt.SpeechEvent(type=kind, alternatives=[said]))


class Caller:
    """One person at the other end of a session that was given `vad` and `ears`."""

    def __init__(self, *, ears_answer: bool = False) -> None:
        self.vad = FakeVad()
        self.ears = FakeEars(answer=ears_answer)

    async def speak(
        self,
        seconds: float,
        final: str = "",
        *,
        interims: Sequence[tuple[float, str]] = (),
        each_window: Callable[[], None] = lambda: None,
    ) -> None:
        """Voice for so long, `interims` at their times in it, and `final` words when it is over.

        Returns when the silence after it has been noticed. `each_window` is called as it goes.
        """
        voice, waiting = self.vad.streams[-1], list(interims)
        await asyncio.sleep(MIN_SPEECH)
        voice.tell(vad.VADEventType.START_OF_SPEECH, MIN_SPEECH, 0.0)
        spoken = MIN_SPEECH
        while spoken < seconds:
            await asyncio.sleep(WINDOW)
            spoken += WINDOW
            while waiting and waiting[0][0] <= spoken:
                self.hear(waiting.pop(0)[1], final=False)
            voice.tell(vad.VADEventType.INFERENCE_DONE, spoken, 0.0)
            each_window()
        if final:
            await asyncio.sleep(EARS_NEED)
            self.hear(final)
        await asyncio.sleep(SILENCE - (EARS_NEED if final else 0.0))
        voice.tell(vad.VADEventType.END_OF_SPEECH, spoken, SILENCE)
        await asyncio.sleep(0)

    def hear(self, text: str, *, final: bool = True) -> None:
        kind = SpeechEventType.FINAL_TRANSCRIPT if final else SpeechEventType.INTERIM_TRANSCRIPT
        self.ears.streams[-1].tell(kind, text)
