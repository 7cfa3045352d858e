"""From what was heard to messages: each text once, times on the stream's clock. Pure."""

from whisper_engine.model import Heard, HeardWord
from whisper_engine.protocol import SAMPLE_RATE, Final, Interim, Preflight, Word
from whisper_engine.streaming.hearing import Utterance


class Telling:
    """One stream's. `shown` is the last interim of the utterance."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._told = ""
        self.shown = ""

    def interim(self, utterance: Utterance, heard: Heard) -> Interim | None:
        """None: it says nothing new."""
        if not heard.text or heard.text == self.shown:
            return None
        stable = agreed_chars(self.shown, heard.text)
        self.shown = heard.text
        return Interim(
            text=heard.text,
            start=utterance.onset / SAMPLE_RATE,
            end=utterance.end / SAMPLE_RATE,
            language=heard.language or self._language,
            confidence=heard.confidence,
            stable_chars=stable,
        )

    def preflight(self, utterance: Utterance, heard: Heard) -> Preflight | None:
        """None: it says nothing new."""
        if not heard.text or heard.text == self._told:
            return None
        self._told = heard.text
        return Preflight(
            text=heard.text,
            start=utterance.onset / SAMPLE_RATE,
            end=utterance.end / SAMPLE_RATE,
            language=heard.language or self._language,
            confidence=heard.confidence,
        )

    def final(self, id_: str | None, utterance: Utterance, heard: Heard) -> Final:
        return Final(
            id=id_,
            text=heard.text,
            words=tuple(_on_stream(word, utterance.start) for word in heard.words),
            start=utterance.onset / SAMPLE_RATE,
            end=utterance.end / SAMPLE_RATE,
            language=heard.language or self._language,
            confidence=heard.confidence,
        )

    def forget(self) -> None:
        self.shown = self._told = ""


def agreed_chars(one: str, other: str) -> int:
    """Characters of `other` up to where the two texts' words part: LocalAgreement of two
    (Macháček et al. 2023, "Turning Whisper into Real-Time Transcription System").

    Case and punctuation at a word's end may differ: the next hypothesis often moves them.
    """
    end = 0
    for left, right in zip(one.split(), other.split(), strict=False):
        if _bare(left) != _bare(right):
            break
        end = other.index(right, end) + len(right)
    return end


def _bare(word: str) -> str:
    return "".join(filter(str.isalnum, word.casefold()))


def _on_stream(word: HeardWord, start: int) -> Word:
    offset = start / SAMPLE_RATE
    return Word(
        text=word.text,
        start=round(offset + word.start, 3),
        end=round(offset + word.end, 3),
        confidence=word.confidence,
    )
