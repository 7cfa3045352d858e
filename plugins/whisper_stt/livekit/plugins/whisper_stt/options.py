"""What a user asks of the hearing, and the `start` that says so to an engine. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from whisper_engine.protocol import Start

MOST_KEYTERMS = 100
"""As many as the wire takes."""

Languages = str | Sequence[str]
"""One code, or all that may be spoken, the likeliest first."""


@dataclass(frozen=True)
class Options:
    """`session_keyterms` are LiveKit's own. The user's come first: past the limit the last go."""

    language: Languages = "en"
    keyterms: tuple[str, ...] = ()
    prompt: str = ""
    session_keyterms: tuple[str, ...] = ()

    def start(self, language: Languages | None = None) -> Start:
        """`language` in place of the options' own.

        Raises ValueError when the engine's wire does not take them.
        """
        first, several = _languages(self.language if language is None else language)
        if len(self.keyterms) > MOST_KEYTERMS:
            raise ValueError(
                f"{len(self.keyterms)} keyterms are too many: give at most {MOST_KEYTERMS}"
            )
        terms = tuple(dict.fromkeys(self.keyterms + self.session_keyterms))[:MOST_KEYTERMS]
        try:
            return Start(language=first, languages=several, keyterms=terms, prompt=self.prompt)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            raise ValueError(f"{problem['loc'][0]}: {problem['msg']}") from None


def _languages(language: Languages) -> tuple[str, tuple[str, ...]]:
    if isinstance(language, str):
        return language, ()
    several = tuple(dict.fromkeys(language))
    if not several:
        raise ValueError('no language was given: language="en", or ["en", "es"] to detect it')
    return several[0], several
