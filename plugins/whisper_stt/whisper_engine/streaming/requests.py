"""Which sound a decode of an utterance is given."""

from dataclasses import replace

from whisper_engine.model import Heard, Kind, Request, Span
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.streaming.hearing import Utterance
from whisper_engine.streaming.sound import Sound

GROWING = 12 * SAMPLE_RATE
"""Samples up to which an interim is of the whole utterance, and beyond of what follows its last
settled pause: an interim's cost stays bounded."""


class Requests:
    """`context` is what was said before the utterance, where a long one was cut."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self._pause = 0
        self._until_pause = ""
        self._lead = ""
        self.context = ""

    def whole(self, kind: Kind, utterance: Utterance, heard_until: int, tail: float) -> Request:
        """`tail`: seconds of sound after the last speech."""
        until = min(heard_until, utterance.end + round(tail * SAMPLE_RATE))
        return Request(
            kind,
            self._sound.read(utterance.start, until),
            utterance.start,
            tuple(_moved(span, -utterance.start) for span in utterance.speech),
            self.context,
        )

    def interim(self, kind: Kind, utterance: Utterance, heard_until: int) -> Request:
        since = tuple(span for span in utterance.speech if span.start >= self._pause)
        if heard_until - utterance.start <= GROWING or not self._until_pause or not since:
            self._lead = ""
            return self.whole(kind, utterance, heard_until, 0.0)
        self._lead = self._until_pause
        return Request(
            kind,
            self._sound.read(self._pause, heard_until),
            self._pause,
            tuple(_moved(span, -self._pause) for span in since),
            self._lead,
        )

    def settled(self, utterance: Utterance, text: str) -> None:
        """`text` is what was said up to the pause at the end of `utterance`."""
        self._pause = utterance.end
        self._until_pause = text

    def completed(self, heard: Heard) -> Heard:
        """An interim of the last part, with what was said before it."""
        if not (self._lead and heard.text):
            return heard
        return replace(heard, text=f"{self._lead} {heard.text}")

    def forget(self) -> None:
        self._pause, self._until_pause, self._lead, self.context = 0, "", "", ""


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)
