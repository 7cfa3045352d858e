"""From the engine's messages to LiveKit's speech events, in order and each once. Pure."""

from collections.abc import Iterator

from livekit.agents import LanguageCode
from livekit.agents.stt import (
    RecognitionUsage,
    SpeechData,
    SpeechEvent,
    SpeechEventType,
)
from livekit.agents.types import TimedString

from whisper_engine.protocol import (
    Final,
    Interim,
    Preflight,
    ServerMessage,
    SpeechEnded,
    SpeechStarted,
)


class Events:
    """One stream's. Times are seconds since the stream's start; `offset` is what a socket adds."""

    def __init__(self, origin: float) -> None:
        self._origin = origin
        self._ended_at = -1.0
        self._shown = False
        self.offset = 0.0
        self.request_id = ""
        self.speaking = False

    @property
    def busy(self) -> bool:
        """Someone speaks, or something was shown that no final has confirmed."""
        return self.speaking or self._shown

    def of(self, message: ServerMessage) -> Iterator[SpeechEvent]:
        match message:
            case SpeechStarted(at=at):
                yield from self._started(at + self.offset)
            case SpeechEnded(at=at):
                yield from self._ended(at + self.offset)
            case Interim():
                self._shown = True
                yield self._event(SpeechEventType.INTERIM_TRANSCRIPT, message)
            case Preflight():
                self._shown = True
                yield self._event(SpeechEventType.PREFLIGHT_TRANSCRIPT, message)
            case Final():
                yield from self._final(message)

    def stop(self) -> Iterator[SpeechEvent]:
        """No more sound: whoever was speaking is not any more."""
        if self.speaking:
            self.speaking = False
            yield SpeechEvent(SpeechEventType.END_OF_SPEECH, self.request_id)

    def usage(self, seconds: float) -> SpeechEvent:
        return SpeechEvent(
            SpeechEventType.RECOGNITION_USAGE,
            self.request_id,
            recognition_usage=RecognitionUsage(audio_duration=seconds),
        )

    def _started(self, at: float) -> Iterator[SpeechEvent]:
        if self.speaking or at <= self._ended_at:  # a replay tells it again
            return
        self.speaking = True
        yield SpeechEvent(SpeechEventType.START_OF_SPEECH, self.request_id)

    def _ended(self, at: float) -> Iterator[SpeechEvent]:
        self._ended_at = max(at, self._ended_at)
        yield from self.stop()

    def _final(self, final: Final) -> Iterator[SpeechEvent]:
        if not final.text and self._shown:
            # LiveKit ignores an empty final and would take the interim for said.
            yield self._event(SpeechEventType.INTERIM_TRANSCRIPT, final)
        self._shown = False
        yield self._event(SpeechEventType.FINAL_TRANSCRIPT, final)

    def _event(self, kind: SpeechEventType, heard: Interim | Preflight | Final) -> SpeechEvent:
        shift = self._origin + self.offset
        words = [
            TimedString(
                word.text,
                start_time=shift + word.start,
                end_time=shift + word.end,
                confidence=word.confidence,
            )
            for word in (heard.words if isinstance(heard, Final) else ())
        ]
        data = SpeechData(
            language=LanguageCode(heard.language),
            text=heard.text,
            start_time=shift + heard.start,
            end_time=shift + heard.end,
            confidence=heard.confidence,
            words=words or None,
        )
        return SpeechEvent(kind, self.request_id, [data])
