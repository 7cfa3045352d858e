"""espeak-ng in its own process: it may die, be told to stop, or be absent."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing

import psutil
import pytest

from csm_engine.espeak import Espeak
from csm_engine.model import SpeakError, UnknownVoiceError
from csm_engine.rehearsal import LANGUAGES, Rehearsal

STORY = "It was a long day, and nobody came to the shop until the evening. " * 25


@pytest.fixture
async def espeak() -> AsyncIterator[Espeak]:
    program = Espeak()
    async with program.running():
        yield program


def programs() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if any("espeak_program" in part for part in child.cmdline())
    ]


async def all_of(espeak: Espeak, text: str, language: str = "en-us") -> bytes:
    return b"".join([piece async for piece in espeak.speak(text, language)])


@pytest.mark.engine
class TestEspeak:
    async def test_speaks_at_its_own_rate(self, espeak: Espeak) -> None:
        pcm = await all_of(espeak, "Hello there.")
        assert espeak.rate == 22_050
        assert 0.4 < len(pcm) / 2 / espeak.rate < 1.5
        assert max(pcm[1::2]) > 0, "silence"

    async def test_keeps_callers_apart(self, espeak: Espeak) -> None:
        texts = ["One.", "One hundred and eleven thousand.", STORY]
        alone = [await all_of(espeak, text) for text in texts]
        together = await asyncio.gather(*(all_of(espeak, text) for text in texts))
        assert [len(pcm) for pcm in together] == [
            pytest.approx(len(pcm), rel=0.02) for pcm in alone
        ]

    async def test_that_dies_fails_one_sentence_and_is_started_again(self, espeak: Espeak) -> None:
        async with aclosing(espeak.speak(STORY, "en-us")) as pieces:
            await anext(pieces)
            (process,) = programs()
            process.suspend()
            process.kill()
            with pytest.raises(SpeakError, match="stopped") as raised:
                async for _ in pieces:
                    pass
        assert raised.value.retryable
        assert await all_of(espeak, "Hello there.")
        assert programs() != [process]

    async def test_that_died_between_sentences_costs_none(self, espeak: Espeak) -> None:
        (process,) = programs()
        process.kill()
        assert espeak._process is not None
        await espeak._process.wait()
        assert await all_of(espeak, "Hello there.")

    async def test_is_free_for_the_next_when_a_listener_leaves(self, espeak: Espeak) -> None:
        async with aclosing(espeak.speak(STORY, "en-us")) as pieces:
            await anext(pieces)
        assert await all_of(espeak, "Hello there.")

    async def test_refuses_a_language_it_has_no_voice_for(self, espeak: Espeak) -> None:
        with pytest.raises(SpeakError, match="xx"):
            await all_of(espeak, "Hello.", "xx")
        assert await all_of(espeak, "Hello there.")

    @pytest.mark.parametrize("text", ["\0\0\0", '"}\n{', "<speak><break/></speak>", "[[h@l'oU]]"])
    async def test_takes_any_text(self, espeak: Espeak, text: str) -> None:
        await all_of(espeak, text)
        assert await all_of(espeak, "Hello there.")

    async def test_leaves_no_process_behind(self) -> None:
        program = Espeak()
        async with program.running():
            assert len(programs()) == 1
        assert not programs()

    async def test_that_is_absent_says_so(self) -> None:
        program = Espeak((sys.executable, "-c", "pass"))
        with pytest.raises(SpeakError, match="does not start"):
            async with program.running():
                pass

    async def test_has_a_voice_for_every_language_named(self, espeak: Espeak) -> None:
        for language in sorted(LANGUAGES):
            assert await all_of(espeak, "1", language)


def test_rehearsal_takes_any_voice_but_not_any_language() -> None:
    model = Rehearsal()
    model.check("ada", "en-GB")
    with pytest.raises(UnknownVoiceError, match="xx"):
        model.check("default", "xx")
