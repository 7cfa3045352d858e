"""The rehearsal voice: espeak-ng. Robotic, and needs neither a download nor a GPU."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial

from csm_engine.audio import reframed
from csm_engine.config import RehearsalSettings
from csm_engine.espeak import Espeak
from csm_engine.model import Manner, UnknownVoiceError
from csm_engine.protocol import SAMPLE_RATE
from csm_engine.stateless import Stateless

LANGUAGES = frozenset(
    [
        "ar",
        "bg",
        "bn",
        "ca",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "fa",
        "fi",
        "fr",
        "gu",
        "hi",
        "hr",
        "hu",
        "id",
        "is",
        "it",
        "ja",
        "kn",
        "ko",
        "lt",
        "lv",
        "mk",
        "ml",
        "mr",
        "ms",
        "nb",
        "nl",
        "pa",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sq",
        "sr",
        "sv",
        "sw",
        "ta",
        "te",
        "tr",
        "uk",
        "ur",
        "vi",
    ]
)


class Rehearsal:
    """One voice a language, whatever the name asked for: personas keep the voice they will have."""

    name = "rehearsal"
    voices = ()
    broken = None

    def __init__(self, waits: RehearsalSettings | None = None) -> None:
        self._espeak = Espeak()
        self._waits = waits or RehearsalSettings()

    def running(self) -> AbstractAsyncContextManager[None]:
        return self._espeak.running()

    def check(self, voice: str, language: str) -> None:
        if _primary(language) not in LANGUAGES:
            raise UnknownVoiceError(f"the rehearsal voice does not speak {language!r}")

    def has_room(self) -> bool:
        return True

    def converse(self, manner: Manner) -> Stateless:
        return Stateless(partial(self._speak, _espeak_name(manner.language)))

    async def _speak(self, language: str, text: str) -> AsyncGenerator[bytes, None]:
        sound = self._espeak.speak(text, language)
        async with aclosing(reframed(sound, self._espeak.rate, SAMPLE_RATE)) as frames:
            async for frame in no_sooner(frames, self._waits):
                yield frame


async def no_sooner(
    frames: AsyncIterator[bytes], waits: RehearsalSettings
) -> AsyncGenerator[bytes, None]:
    """The same frames, as late as a machine with these times would have them."""
    clock = asyncio.get_running_loop().time
    due = clock() + waits.first
    async for frame in frames:
        if (wait := due - clock()) > 0:
            await asyncio.sleep(wait)
        yield frame
        due += waits.frame


def _primary(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].lower()


def _espeak_name(language: str) -> str:
    """English is American here, as the rehearsal ears are; elsewhere the region is dropped."""
    primary = _primary(language)
    return "en-us" if primary == "en" else primary
