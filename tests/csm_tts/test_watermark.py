"""The stage between the model and who listens: what it may hold, and that nothing leaves unmarked."""

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from csm_engine.config import Settings
from csm_engine.metrics import Metrics
from csm_engine.model import Manner, SpeakError
from csm_engine.protocol import AudioStart, InputText, SessionConfig
from csm_engine.speaker import Progress, Speaker
from csm_engine.watermark import Mark, Samples, Stage, WholeSentences, load_stage
from parley_serving import ListenSettings, StartError
from tests.csm_tts.conftest import app_of
from tests.csm_tts.posts import HEADERS, SPEECH, pcm
from tests.csm_tts.tone import FRAME, Tone
from tests.csm_tts.wire import wire
from tests.serving.running import running

STAND_IN = """
class Model:
    def encode_wav(self, sound, rate, key, *, message_sdr, calc_sdr):
        assert (rate, key, message_sdr, calc_sdr) == (24_000, [1, 2, 3, 4, 5], 36, False)
        assert sound.device.type == "cpu"
        return -sound[:-1], 0


def get_model(model_type, device):
    assert (model_type, device) == ("44.1k", "cpu")
    return Model()
"""
"""What is called of Sesame's silentcipher, as its source has it: it turns the sound upside down."""

KEY = "1, 2, 3, 4, 5"


def upside_down(pcm: bytes) -> bytes:
    return (-np.frombuffer(pcm, np.int16)).tobytes()


def turned(samples: Samples) -> Samples:
    return -samples


async def echoed(sound: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Holds the latest frame until the next, and adds one at the end."""
    async with aclosing(sound):
        held = b""
        async for frame in sound:
            if held:
                yield held
            held = upside_down(frame)
        yield held + FRAME


def speaker(stage: Stage | None, *, model: Tone | None = None, longest: float = 60) -> Speaker:
    return Speaker(model or Tone(), Metrics(CollectorRegistry()), longest, stage)


async def said(speaker: Speaker, text: str, progress: Progress) -> list[bytes]:
    with closing(speaker.model.converse(Manner())) as conversation:
        return [frame async for frame in speaker.speak(conversation, text, progress)]


async def test_a_stage_may_hold_change_and_add_within_each_sentence() -> None:
    spoken, progress = speaker(echoed), Progress()
    assert await said(spoken, "One two.", progress) == [*[upside_down(FRAME)] * 2, FRAME]
    assert await said(spoken, "One.", Progress()) == [upside_down(FRAME), FRAME]
    assert (progress.frames, progress.reason) == (3, "stop")


async def test_a_sentence_without_an_end_is_cut_before_a_stage_that_waits_for_it() -> None:
    spoken, progress = speaker(WholeSentences(turned), longest=0.25), Progress()
    assert await said(spoken, "This is endless.", progress) == [upside_down(FRAME)] * 3
    assert progress.reason == "length"


async def test_leaving_a_stage_stops_the_model() -> None:
    model = Tone()
    with closing(model.converse(Manner())) as conversation:
        sound = speaker(echoed, model=model).speak(conversation, "This is endless.", Progress())
        async with aclosing(sound) as frames:
            await anext(frames)
        assert model.free.is_set()


async def test_a_mark_that_nobody_waits_for_any_more_is_not_overtaken() -> None:
    running, begun, go_on = 0, asyncio.Event(), threading.Event()
    loop, most = asyncio.get_running_loop(), 0

    def mark(samples: Samples) -> Samples:
        nonlocal running, most
        running += 1
        most = max(most, running)
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(10)
        running -= 1
        return samples

    model = Tone()
    spoken = speaker(WholeSentences(mark), model=model)
    left = asyncio.create_task(said(spoken, "One.", Progress()))
    await begun.wait()
    left.cancel()
    await asyncio.wait({left})
    next_one = asyncio.create_task(said(spoken, "Two.", Progress()))
    model.free.clear()
    await model.free.wait()  # all of the second sentence is made, and waits for its mark
    go_on.set()
    assert await next_one == [FRAME]
    assert most == 1


async def test_silence_bears_no_mark() -> None:
    async def silence() -> AsyncGenerator[bytes, None]:
        yield bytes(len(FRAME))

    def fails(samples: Samples) -> Samples:
        raise ValueError("no power")

    assert [pcm async for pcm in WholeSentences(fails)(silence())] == [bytes(len(FRAME))]


def shorter(samples: Samples) -> Samples:
    return samples[1:]


def out_of_memory(samples: Samples) -> Samples:
    raise RuntimeError("out of memory")


@pytest.mark.parametrize("mark", [shorter, out_of_memory])
async def test_nothing_leaves_without_its_mark(mark: Mark) -> None:
    spoken, progress = speaker(WholeSentences(mark)), Progress()
    with pytest.raises(SpeakError, match="watermark") as raised:
        await said(spoken, "One.", progress)
    assert raised.value.retryable
    assert (progress.frames, progress.reason) == (0, "failed")


def settings(**others: Any) -> Settings:
    listen = ListenSettings(port=1)
    return Settings(listen=listen, watermark="silentcipher", device="cpu", **others)


class TestSilentCipher:
    @pytest.fixture
    def stand_in(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        (tmp_path / "silentcipher.py").write_text(STAND_IN)
        monkeypatch.syspath_prepend(tmp_path)
        yield
        sys.modules.pop("silentcipher", None)

    @pytest.mark.engine
    @pytest.mark.usefixtures("stand_in")
    async def test_marks_all_that_leaves_by_either_door(self, http: aiohttp.ClientSession) -> None:
        app, _ = app_of(Tone(), watermark="silentcipher", watermark_key=KEY, device="cpu")
        wanted = upside_down((FRAME * 2)[:-2]) + bytes(2)
        async with running(app) as server:
            async with http.post(server.url + SPEECH, json=pcm("One two."), headers=HEADERS) as got:
                assert await got.read() == wanted
            async with wire(http, server.url, SessionConfig()) as client:
                await client.send(InputText(utterance="a", sentence=0, text="One two."))
                assert isinstance(await client.receive(), AudioStart)
                assert [await client.receive(), await client.receive()] == [
                    wanted[: len(FRAME)],
                    wanted[len(FRAME) :],
                ]

    @pytest.mark.engine
    @pytest.mark.skipif(find_spec("silentcipher") is not None, reason="it is installed")
    def test_says_what_to_install(self) -> None:
        with pytest.raises(StartError, match="needs the package silentcipher: pip install"):
            load_stage(settings(watermark_key=KEY))

    @pytest.mark.parametrize(
        "key", ["", "1,2,3,4", "1,2,3,4,5,6", "1,2,3,4,256", "1,2,3,4,-5", "one"]
    )
    def test_wants_a_key_of_its_own(self, key: str) -> None:
        with pytest.raises(StartError, match="CSM_WATERMARK_KEY must be 5 numbers") as raised:
            load_stage(settings(watermark_key=key or None))
        assert not key or key not in str(raised.value)

    def test_is_off_by_default(self) -> None:
        assert load_stage(Settings(listen=ListenSettings(port=1))) is None
