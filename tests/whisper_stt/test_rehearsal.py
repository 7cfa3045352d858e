"""The rehearsal model with real voices over a telephone line."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.hearing import OTHERS, TARGET, VOICES, hear_noises, hear_phrases, on_line
from bench.telephone import flite
from parley.phrases import collect_phrases
from parley_serving import ListenSettings, build_app
from tests.conformance.stt import Spoken, word_error_rate
from tests.serving.running import running
from whisper_engine.config import Settings
from whisper_engine.model import Decoder, Heard, Kind, Request, Span
from whisper_engine.protocol import MAX_MESSAGE_BYTES, Start
from whisper_engine.rehearsal.model import BUILT_AT_START, Rehearsal
from whisper_engine.server import make_service

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def phrases() -> list[str]:
    """Those of the shipped scripts and calls."""
    return collect_phrases(ROOT / "personas" / "scripts", ROOT / "tests" / "e2e" / "calls")


@pytest.fixture
def phrase_file(phrases: list[str], tmp_path: Path) -> Path:
    path = tmp_path / "phrases.txt"
    path.write_text("\n".join(phrases))
    return path


@pytest.fixture
async def url(phrase_file: Path) -> AsyncIterator[str]:
    service = make_service(Rehearsal(phrase_file), Settings(listen=ListenSettings(port=1)))
    async with running(build_app(service), max_message=MAX_MESSAGE_BYTES) as server:
        yield server.url


@pytest.mark.timeout(240)
async def test_shipped_phrases_are_understood_over_a_telephone(
    url: str, phrases: list[str]
) -> None:
    turns = [turn for voice in VOICES for turn in await hear_phrases(url, phrases, voice)]
    wrong = [(turn.said, turn.heard) for turn in turns if not turn.right]
    assert len(wrong) <= (1 - TARGET) * len(turns), wrong


async def test_noise_and_tones_give_no_text(url: str) -> None:
    assert [(turn.said, turn.heard) for turn in await hear_noises(url) if turn.heard] == []


async def test_most_of_what_no_script_expects_is_heard_as_nothing(url: str) -> None:
    """A grammar alone hears one of its phrases in everything."""
    turns = [turn for voice in VOICES for turn in await hear_phrases(url, OTHERS, voice)]
    assert sum(not turn.heard for turn in turns) >= 0.6 * len(turns)


async def test_streams_at_once_each_hear_their_own(url: str) -> None:
    said = [["when are you open"], ["what is your address"], ["tell me a story"], ["goodbye"]]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(hear_phrases(url, texts, "rms")) for texts in said]
    assert [[turn.heard for turn in task.result()] for task in tasks] == said


async def test_a_listener_given_back_in_mid_word_starts_afresh_for_the_next(
    phrase_file: Path,
) -> None:
    model = Rehearsal(phrase_file)
    sound = on_line(flite("when are you open", "rms")).tobytes()
    async with model.running():
        for _ in range(2 * BUILT_AT_START):
            async with model.decoder(Start()) as decoder:
                cancelled = asyncio.create_task(hear(decoder, sound))
                await asyncio.sleep(0)
                cancelled.cancel()
            async with model.decoder(Start()) as decoder:
                assert (await hear(decoder, sound)).text == "when are you open"


async def test_the_same_sound_gives_the_same_words_whatever_came_before(phrase_file: Path) -> None:
    """Else a text would change when speech resumes, or when a lost socket's sound is told again."""
    model = Rehearsal(phrase_file)
    sounds = [
        on_line(flite(text, "slt")).tobytes() for text in ("tell me a story", "where are you")
    ]
    async with model.running(), model.decoder(Start()) as decoder:
        first, other, again = [await hear(decoder, sounds[n]) for n in (0, 1, 0)]
    assert first.text == "tell me a story"
    assert other.text == "where are you"
    assert again.text == first.text
    assert again.confidence == pytest.approx(first.confidence, abs=0.1)


async def test_interims_grow_into_the_final(phrase_file: Path) -> None:
    model = Rehearsal(phrase_file)
    sound = on_line(flite("i would like to book an appointment", "rms")).tobytes()
    async with model.running(), model.decoder(Start()) as decoder:
        texts = [
            (await hear(decoder, sound[:end], Kind.INTERIM)).text
            for end in range(16_000, len(sound), 16_000)
        ]
        final = (await hear(decoder, sound)).text
    assert final == "i would like to book an appointment"
    assert len(set(texts)) >= 3
    assert all(final.startswith(text) for text in texts[2:])


async def test_without_phrases_the_general_model_hears(pcm: bytes, question: Spoken) -> None:
    model = Rehearsal(None)
    async with model.running(), model.decoder(Start()) as decoder:
        heard = (await hear(decoder, pcm)).text
    assert word_error_rate(question.words, heard) <= 0.5


async def test_words_lie_where_they_were_spoken(
    phrase_file: Path, pcm: bytes, question: Spoken
) -> None:
    model = Rehearsal(phrase_file)
    async with model.running(), model.decoder(Start()) as decoder:
        words = (await hear(decoder, pcm)).words
    assert [word.text for word in words] == question.words.lower().split()
    assert all(word.start < word.end for word in words)
    assert 0 <= words[0].start < 0.5
    assert question.seconds - 0.6 < words[-1].end <= question.seconds + 0.1


async def hear(decoder: Decoder, pcm: bytes, kind: Kind = Kind.FINAL) -> Heard:
    heard = await decoder.decode(Request(kind, pcm, 0, (Span(0, len(pcm) // 2),)))
    assert heard is not None
    return heard
