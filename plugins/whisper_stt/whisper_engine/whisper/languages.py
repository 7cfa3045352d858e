"""Which language a call is in. Pure: one lock a call, told after each final."""

from collections.abc import Sequence

_NAMED_OTHERWISE = {
    # ISO 639-3, and macrolanguages and regional codes that Whisper has under another
    "ara": "ar", "ces": "cs", "dan": "da", "deu": "de", "ell": "el", "eng": "en", "fin": "fi",
    "fra": "fr", "heb": "he", "hin": "hi", "ita": "it", "jpn": "ja", "kor": "ko", "nld": "nl",
    "nor": "no", "pol": "pl", "por": "pt", "ron": "ro", "rus": "ru", "spa": "es", "swe": "sv",
    "tha": "th", "tur": "tr", "ukr": "uk", "vie": "vi", "zho": "zh", "cmn": "zh", "arb": "ar",
    "nb": "no", "nob": "no", "nno": "nn", "fil": "tl", "tgl": "tl", "pes": "fa",
    # withdrawn codes; Javanese is the one that Whisper has under such a code itself
    "iw": "he", "in": "id", "ji": "yi", "mo": "ro", "jv": "jw", "jav": "jw",
    # ISO 639-2, bibliographic
    "ger": "de", "fre": "fr", "dut": "nl", "chi": "zh", "cze": "cs", "gre": "el", "per": "fa", "rum": "ro",
}  # fmt: skip


def normalise(code: str) -> str:
    """Whisper's code of a language: "en-US" and "eng" are "en", "cmn-Hans-CN" is "zh".

    What is not known comes back in lower case, without its region.
    """
    language = code.strip().lower().replace("_", "-").split("-")[0]
    return _NAMED_OTHERWISE.get(language, language)


class LanguageLock:
    """Follows a call until its language is certain, and then stays with it.

    Args:
        allowed: what may be spoken, in any form of the codes. Raises ValueError when empty.
        sure: probability from which one turn is enough, if it is `long_enough` seconds of speech.
        likely: probability from which a turn counts at all: "no" is a word of many languages.
    """

    def __init__(
        self,
        allowed: Sequence[str],
        *,
        sure: float = 0.8,
        long_enough: float = 1.5,
        likely: float = 0.5,
    ) -> None:
        self._candidates = tuple(dict.fromkeys(normalise(code) for code in allowed))
        if not self._candidates:
            raise ValueError("name at least one language that may be spoken")
        self._sure, self._long_enough, self._likely = sure, long_enough, likely
        self._last: str | None = None

    @property
    def candidates(self) -> tuple[str, ...]:
        """One from when the language is certain."""
        return self._candidates

    def saw(self, language: str, probability: float, speech_seconds: float) -> None:
        """One turn was heard in `language`, of this probability among the candidates.

        Tell it a turn once, by its final (an utterance's speculative text and its final agree always),
        and only when its text was kept: over noise the language is made up as well.
        Two turns in a row that agree lock; one that is unlikely neither counts nor disturbs.
        """
        language = normalise(language)
        if language not in self._candidates or not probability > self._likely:
            return
        certain = probability > self._sure and speech_seconds >= self._long_enough
        if certain or language == self._last:
            self._candidates = (language,)
        self._last = language
