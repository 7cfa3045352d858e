"""The CSM behind the server: what it refuses, what it says, and what keeps it from starting."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from pydantic import ValidationError

from csm_engine.clip import VoiceError
from csm_engine.csm_model import CsmModel
from csm_engine.loading import SPARE_VOICES
from csm_engine.model import Manner, SpeakError, UnknownVoiceError
from csm_engine.protocol import (
    AudioDone,
    AudioStart,
    Failed,
    InputCancel,
    InputDone,
    InputText,
    SessionConfig,
    UtteranceDone,
)
from csm_engine.rehearsal import Rehearsal
from csm_engine.server import make_model
from csm_engine.text import frame_cap, readable, split
from parley_serving import StartError
from tests.csm_tts.conftest import app_of
from tests.csm_tts.csm_folders import (
    Folders,
    csm_settings,
    noise,
    write_folders,
    write_voice,
    write_wav,
)
from tests.csm_tts.wire import wire
from tests.serving.running import running

pytestmark = pytest.mark.engine

MORNING = "Good morning."
FRAME_BYTES = 3840


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return write_folders(tmp_path_factory.mktemp("csm"))


@pytest.fixture
async def model(folders: Folders) -> AsyncIterator[CsmModel]:
    model = CsmModel(csm_settings(folders))
    async with model.running():
        yield model
    assert "csm-engine" not in {thread.name for thread in threading.enumerate()}


async def said(model: CsmModel, text: str, voice: str = "ada") -> list[bytes]:
    with contextlib.closing(
        model.converse(Manner(voice, remembers="nothing", live=False))
    ) as conversation:
        return [frame async for frame in conversation.speak("", text)]


def alike(one: bytes, other: bytes) -> bool:
    """Codes are the same to the bit; the codec's sums round by the rows of its batch."""
    ours, theirs = (np.frombuffer(sound, np.int16).astype(int) for sound in (one, other))
    return bool(abs(ours - theirs).max() <= 1)


async def test_a_sentence_is_whole_frames_and_the_same_again(model: CsmModel) -> None:
    first, again, other = await asyncio.gather(
        said(model, MORNING), said(model, MORNING), said(model, MORNING, "ben")
    )
    assert {len(frame) for frame in first[:-1]} == {FRAME_BYTES}
    assert 0 < len(first) <= frame_cap(MORNING, 0.08) + 1
    assert alike(first[0], again[0])
    assert not alike(first[0], other[0])
    assert alike((await said(model, MORNING, "default"))[0], first[0])


async def test_what_has_no_word_is_no_sound_and_what_is_not_latin_is_refused(
    model: CsmModel,
) -> None:
    for text in ("…", "🙂", "\x07\x1b"):
        assert not await said(model, text)
    with pytest.raises(SpeakError, match="English only") as raised:
        await said(model, "Доброе утро")
    assert not raised.value.retryable


async def test_a_long_text_is_said_in_parts(model: CsmModel) -> None:
    text = readable("We are open. " * 30)
    parts = split(text)
    assert len(parts) == 2
    whole = b"".join(await said(model, text))
    assert alike(whole, b"".join([frame for part in parts for frame in await said(model, part)]))


async def test_voices_and_languages_are_checked(model: CsmModel) -> None:
    model.check("ada", "en-GB")
    model.check("default", "EN_us")
    with pytest.raises(UnknownVoiceError, match="there are ada, ben"):
        model.check("eve", "en")
    with pytest.raises(UnknownVoiceError, match="tiny-csm speaks English only, not 'de'"):
        model.check("ada", "de")


async def test_a_cancelled_utterance_makes_room_for_the_next(
    folders: Folders, http: aiohttp.ClientSession
) -> None:
    app, _ = app_of(CsmModel(csm_settings(folders, streams=1)))
    async with running(app) as server, wire(http, server.url, SessionConfig(voice="ben")) as client:
        await client.send(
            InputText(utterance="a", sentence=0, text="We are open until five today.")
        )
        assert isinstance(await client.receive(), AudioStart)
        await client.send(InputCancel(utterance="a", played_ms=0))
        await client.send(InputText(utterance="b", sentence=0, text=MORNING))
        await client.send(InputDone(utterance="b"))
        ends = []
        while not (
            isinstance(got := await client.receive(), UtteranceDone) and got.utterance == "b"
        ):
            assert not isinstance(got, Failed)
            if isinstance(got, AudioDone):
                ends.append((got.utterance, got.finish_reason))
        # A model without training does not know when to stop.
        assert ends == [("a", "cancelled"), ("b", "length")]


async def test_an_unknown_voice_is_refused_on_the_wire(
    folders: Folders, http: aiohttp.ClientSession
) -> None:
    app, _ = app_of(CsmModel(csm_settings(folders)))
    async with running(app) as server, wire(http, server.url) as client:
        await client.send(SessionConfig(voice="eve"))
        refused = await client.receive()
        assert isinstance(refused, Failed)
        assert refused.code == "unknown_voice"
        assert "ada, ben" in refused.message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: {"voices": None}, "CSM_VOICES is not set"),
        (lambda at: {"voices": at}, "has no voices"),
        (lambda at: {"model": str(at / "none")}, "is not a folder"),
        (lambda at: {"model": str(at)}, "config.json"),
    ],
)
async def test_what_keeps_it_from_starting_names_the_fix(
    folders: Folders, tmp_path: Path, change: Callable[[Path], dict[str, object]], said: str
) -> None:
    model = CsmModel(csm_settings(folders, **change(tmp_path)))
    with pytest.raises(StartError, match=said):
        async with model.running():
            pass


def test_voices_must_be_a_folder_that_is_there(folders: Folders, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="directory"):
        csm_settings(folders, voices=tmp_path / "none")


def test_the_setting_chooses_the_model(folders: Folders) -> None:
    assert isinstance(make_model(csm_settings(folders)), CsmModel)
    assert isinstance(make_model(csm_settings(folders, model="rehearsal")), Rehearsal)


def test_the_rehearsal_voice_needs_no_torch() -> None:
    code = (
        "import sys; from csm_engine.__main__ import make_model; from csm_engine.config import"
        " Settings; make_model(Settings()); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_a_csm_without_torch_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['csm_engine', 'serve'];"
        " from csm_engine.__main__ import main; main()"
    )
    environment = os.environ | {"CSM_MODEL": "a-csm"}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        env=environment,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("cannot start: a CSM needs torch: install")
    assert ended.stderr.count("\n") == 1


async def test_a_sentence_at_the_end_of_the_engine_is_told(folders: Folders) -> None:
    model = CsmModel(csm_settings(folders))
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(model.running())
        sentence = model.converse(Manner("ada")).speak("", "We are open until five.")
        await anext(sentence)
        await stack.aclose()
        with contextlib.suppress(SpeakError):
            async for _ in sentence:
                pass
        with pytest.raises(SpeakError, match="stopped"):
            await said(model, MORNING)


async def test_a_voice_that_is_added_speaks_at_once(folders: Folders, tmp_path: Path) -> None:
    model = CsmModel(csm_settings(folders))
    async with model.running():
        for seed, name in enumerate(("eve", "fay"), 7):
            await model.add_voice(write_voice(tmp_path / name, seed=seed))
        assert model.voices == ["ada", "ben", "eve", "fay"]
        sounds = [await said(model, MORNING, name) for name in ("ada", "eve", "fay")]
        assert len({sound[0] for sound in sounds}) == 3
        write_wav(tmp_path / "eve" / "clip.wav", noise(1.2) // 30_000)
        with pytest.raises(VoiceError, match="silent"):
            await model.add_voice(tmp_path / "eve")


async def test_voices_have_places_until_the_next_start(folders: Folders, tmp_path: Path) -> None:
    model = CsmModel(csm_settings(folders))
    async with model.running():
        for number in range(SPARE_VOICES):
            await model.add_voice(write_voice(tmp_path / f"v{number}", seed=number))
        with pytest.raises(VoiceError, match="until the engine is restarted"):
            await model.add_voice(write_voice(tmp_path / "more", seed=99))
        assert len(model.voices) == 2 + SPARE_VOICES


async def test_a_conversation_goes_on_after_what_was_heard_of_it(folders: Folders) -> None:
    model = CsmModel(csm_settings(folders))

    async def second(cut: float | None, seed: int = 3) -> list[bytes]:
        with contextlib.closing(model.converse(Manner("ada", live=False, seed=seed))) as talk:
            async for _ in talk.speak("u", MORNING):
                pass
            if cut is not None:
                talk.cut("u", cut)
            return [frame async for frame in talk.speak("v", "Yes.")]

    async with model.running():
        unheard, cut, whole = [await second(cut) for cut in (0.5, 1.5, None)]
        with contextlib.closing(model.converse(Manner("ada", live=False, seed=3))) as fresh:
            assert [frame async for frame in fresh.speak("v", "Yes.")] == unheard
        assert len({unheard[0], cut[0], whole[0]}) == 3
        with pytest.raises(ValueError, match="temperature"):
            model.converse(Manner("ada", temperature=9.0))
