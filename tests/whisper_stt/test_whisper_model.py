"""The Whisper model as the streams see it: real CTranslate2, real batches, scripted weights."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from parley_serving import ListenSettings, StartError
from tests.whisper_stt.whispers import noise
from whisper_engine.config import Settings
from whisper_engine.model import Decoder, Heard, Kind, Request, Span, UnknownLanguageError
from whisper_engine.protocol import SAMPLE_RATE, Start
from whisper_engine.synthetic import write_scripted
from whisper_engine.whisper.device import default_workers
from whisper_engine.whisper.lengths import FULL_FRAMES
from whisper_engine.whisper.model import Whisper

TEXT = "this is a test"
LEAD = round(0.4 * SAMPLE_RATE)


def settings(folder: Path, **other: Any) -> Settings:
    listen = ListenSettings(port=1)
    return Settings(
        listen=listen, model=str(folder), device="cpu", compute_type="float32", workers=1, **other
    )


@contextlib.asynccontextmanager
async def running(
    folder: Path, registry: CollectorRegistry | None = None, **other: Any
) -> AsyncIterator[Whisper]:
    model = Whisper(settings(folder, **other), registry or CollectorRegistry())
    async with model.running():
        yield model


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[Whisper]:
    folder = tmp_path / "base"
    write_scripted(folder, {"en": TEXT, "de": "das ist ein Test"}, detects={"de": 0.9, "en": 0.1})
    async with running(folder) as model:
        yield model


def request(kind: Kind, seconds: float = 2.0, start: int = 0) -> Request:
    pcm = noise(seconds).tobytes()
    return Request(kind, pcm, start, (Span(LEAD, LEAD + round(seconds * SAMPLE_RATE)),))


async def hear(decoder: Decoder, kind: Kind = Kind.FINAL, *, start: int = 0) -> Heard:
    heard = await decoder.decode(request(kind, start=start))
    assert heard is not None
    return heard


@pytest.mark.parametrize(
    ("device", "cores", "workers"), [("cuda", 16, 2), ("cuda", 1, 2), ("cpu", 16, 4), ("cpu", 1, 1)]
)
def test_workers_are_as_many_as_the_device_bears(device: str, cores: int, workers: int) -> None:
    assert default_workers(device, cores) == workers


async def test_the_language_can_be_detected_among_all_that_it_hears(model: Whisper) -> None:
    assert len(model.languages) > 90
    start = Start(language=model.languages[0], languages=model.languages)
    async with model.decoder(start) as decoder:
        heard = await hear(decoder)
    assert (heard.language, heard.text) == ("de", "das ist ein Test")


async def test_a_final_has_words_with_times_and_an_interim_the_same_text(model: Whisper) -> None:
    async with model.decoder(Start()) as decoder:
        interim = await hear(decoder, Kind.FIRST_INTERIM)
        final = await hear(decoder)
    assert interim.text == final.text == TEXT
    assert interim.words == ()
    assert [word.text for word in final.words] == TEXT.split()
    assert all(0.1 < word.start < word.end < 2.6 for word in final.words)
    assert 0.8 < final.confidence <= 1
    assert final.language is None


async def test_of_several_languages_the_one_that_is_spoken(model: Whisper) -> None:
    async with model.decoder(Start(language="en", languages=("en-US", "de-DE"))) as decoder:
        heard = await hear(decoder)
    assert (heard.text, heard.language) == ("das ist ein Test", "de")


async def test_a_language_that_is_not_allowed_is_not_heard(model: Whisper) -> None:
    async with model.decoder(Start(language="en", languages=("en", "fr"))) as decoder:
        assert (await hear(decoder)).language == "en"


async def test_an_unknown_language_is_refused_with_those_it_knows(model: Whisper) -> None:
    with pytest.raises(UnknownLanguageError, match=r"'tlh'.* en "):
        async with model.decoder(Start(language="tlh")):
            pass


async def test_an_english_model_knows_english(tmp_path: Path) -> None:
    write_scripted(tmp_path / "base.en", TEXT, multilingual=False)
    async with running(tmp_path / "base.en") as model:
        assert model.name == "base.en"
        with pytest.raises(UnknownLanguageError, match=r"base\.en does not hear 'de'; it hears en"):
            async with model.decoder(Start(language="de")):
                pass
        async with model.decoder(Start(language="en-GB")) as decoder:
            assert (await hear(decoder)).text == TEXT


async def test_a_loop_is_decoded_again_at_full_length_and_then_cut(tmp_path: Path) -> None:
    write_scripted(tmp_path / "loops", "so it goes", ends=False, listens=False)
    registry = CollectorRegistry()
    full = {"kind": "final", "frames": str(FULL_FRAMES)}

    def count(name: str, labels: dict[str, str]) -> float:
        return registry.get_sample_value(name, labels) or 0

    async with running(tmp_path / "loops", registry) as model, model.decoder(Start()) as decoder:
        before = count("parley_whisper_decodes_total", full)
        heard = await hear(decoder)
    assert heard.text == "so it goes"
    assert count("parley_whisper_fallback_total", {"reason": "loop"}) > 0
    assert count("parley_whisper_decodes_total", full) == before + 1


async def test_silence_that_passed_for_speech_has_no_text(model: Whisper) -> None:
    quiet = bytes(4 * SAMPLE_RATE)
    async with model.decoder(Start()) as decoder:
        heard = await decoder.decode(Request(Kind.FINAL, quiet, 0, (Span(0, SAMPLE_RATE),)))
    assert heard == Heard()


async def test_keyterms_and_context_lead_the_prompt_and_leave_the_text_alone(
    model: Whisper,
) -> None:
    async with model.decoder(
        Start(keyterms=("Parley", "Harbor Dental"), prompt="At the dentist.")
    ) as decoder:
        asked = request(Kind.FINAL)
        heard = await decoder.decode(
            Request(asked.kind, asked.pcm, 0, asked.speech, "and then I said")
        )
    assert heard is not None
    assert heard.text == TEXT


async def test_many_calls_at_once_hear_what_each_hears_alone(model: Whisper) -> None:
    async with contextlib.AsyncExitStack() as stack:
        decoders = [
            await stack.enter_async_context(model.decoder(Start(keyterms=("Parley",) * (n % 2))))
            for n in range(8)
        ]
        alone = await hear(decoders[0])
        kinds = [Kind.FINAL, Kind.SPECULATIVE]
        together = await asyncio.gather(
            *(hear(decoder, kinds[number % 2]) for number, decoder in enumerate(decoders))
        )
    assert {heard.text for heard in together} == {alone.text}
    assert {len(heard.words) for heard in together} == {len(alone.words)}


async def test_a_stream_that_leaves_takes_its_decodes_along(model: Whisper) -> None:
    async with model.decoder(Start()) as decoder:
        left = [asyncio.create_task(hear(decoder, start=number)) for number in range(20)]
        await asyncio.sleep(0)
        for task in left:
            task.cancel()
    async with model.decoder(Start()) as decoder:
        assert (await hear(decoder)).text == TEXT
    assert all(task.cancelled() for task in await _ended(left))


async def test_a_model_without_a_tokenizer_cannot_start(tmp_path: Path) -> None:
    write_scripted(tmp_path / "base", TEXT)
    (tmp_path / "base" / "tokenizer.json").unlink()
    with pytest.raises(StartError, match=r"no tokenizer\.json"):
        async with running(tmp_path / "base"):
            pass


async def _ended(tasks: list[asyncio.Task[Heard]]) -> list[asyncio.Task[Heard]]:
    await asyncio.gather(*tasks, return_exceptions=True)
    return tasks
