"""The ears' events, as far as they hold words. Pure."""

from dataclasses import replace

from livekit.agents import stt

_WORDS = {
    stt.SpeechEventType.INTERIM_TRANSCRIPT,
    stt.SpeechEventType.PREFLIGHT_TRANSCRIPT,
    stt.SpeechEventType.FINAL_TRANSCRIPT,
}


def text_of(event: stt.SpeechEvent) -> str:
    """Empty where there are no words in it."""
    return event.alternatives[0].text if event.type in _WORDS and event.alternatives else ""


def with_text(event: stt.SpeechEvent, text: str) -> stt.SpeechEvent:
    """A copy, whose best alternative says that."""
    first, *others = event.alternatives
    return replace(event, alternatives=[replace(first, text=text), *others])


def taken_back(event: stt.SpeechEvent) -> stt.SpeechEvent:
    """Says that there are no words after all, of the same sound as `event`."""
    return replace(with_text(event, ""), type=stt.SpeechEventType.INTERIM_TRANSCRIPT)
