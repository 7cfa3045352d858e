"""Folders of voices: what is read, what is kept, and what is said of those that cannot be used."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
import torch

from csm_engine.clip import VoiceError, read_clip
from csm_engine.csm.mimi.encoder import MimiEncoder
from csm_engine.csm.mimi.pcm import from_int16
from csm_engine.csm.model import Csm
from csm_engine.csm.synthetic import TINY, random_model
from csm_engine.model import UnknownVoiceError
from csm_engine.voice_folder import VoiceExistsError
from csm_engine.voices import Voice, find_voice, fingerprint, read_voice, read_voices, write_voice
from tests.csm_tts import csm_folders
from tests.csm_tts.csm_folders import noise, write_wav

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def model() -> Csm:
    torch.set_num_threads(1)
    return random_model(TINY, seed=1)


@pytest.fixture(scope="module")
def encoder(model: Csm) -> MimiEncoder:
    return MimiEncoder(model.config.codec, model.weights.codec, slots=1)


@pytest.fixture
def read(model: Csm, encoder: MimiEncoder, tmp_path: Path) -> Callable[[], dict[str, Voice]]:
    return lambda: read_voices(tmp_path, encoder, fingerprint(model.weights.codec))


Read = Callable[[], dict[str, Voice]]


def test_a_voice_is_its_clips_codes_and_words(
    read: Read, encoder: MimiEncoder, tmp_path: Path
) -> None:
    csm_folders.write_voice(tmp_path / "ada")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "README.txt").touch()
    voice = read()["ada"]
    assert voice.transcript == "Hello to all."
    wanted = encoder.encode(from_int16(torch.from_numpy(noise(1.2))))
    assert torch.equal(voice.codes, wanted.T)
    assert voice.codes.shape == (15, TINY["num_codebooks"])


def test_codes_are_kept_until_the_clip_or_the_codec_is_another(
    read: Read, model: Csm, encoder: MimiEncoder, tmp_path: Path
) -> None:
    folder = csm_folders.write_voice(tmp_path / "ada")
    first = read()["ada"].codes
    kept = (folder / "codes.safetensors").read_bytes()
    (folder / "codes.safetensors").write_bytes(b"")
    assert torch.equal(read()["ada"].codes, first)
    assert (folder / "codes.safetensors").read_bytes() == kept
    stamp = (folder / "codes.safetensors").stat().st_mtime_ns
    read()
    assert (folder / "codes.safetensors").stat().st_mtime_ns == stamp
    write_wav(folder / "clip.wav", noise(1.2, seed=5))
    assert not torch.equal(read()["ada"].codes, first)
    made_of = json.loads((folder / "codes.json").read_text())
    other = random_model(TINY, seed=2).weights.codec
    read_voices(tmp_path, MimiEncoder(model.config.codec, other, slots=1), fingerprint(other))
    assert json.loads((folder / "codes.json").read_text())["codec"] != made_of["codec"]


def test_a_clip_of_another_rate_is_converted(tmp_path: Path) -> None:
    write_wav(tmp_path / "clip.wav", noise(2, 48_000), 48_000)
    assert len(read_clip(tmp_path / "clip.wav", 24_000)) == pytest.approx(48_000, abs=200)


def _rewrite(seconds: float = 1.2, rate: int = 24_000, **form: int) -> Callable[[Path], None]:
    return lambda folder: write_wav(folder / "clip.wav", noise(seconds, rate), rate, **form)


def _silence(folder: Path) -> None:
    write_wav(folder / "clip.wav", np.zeros(48_000, np.int16))


def _wide(folder: Path) -> None:
    write_wav(folder / "clip.wav", np.ones(48_000, np.int32))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_rewrite(21), "lasts 21.0 s: cut it"),
        (_rewrite(0.5), "lasts 0.5 s: cut it"),
        (_rewrite(2.4, channels=2), "2 channels: mix it to mono"),
        (_rewrite(2, 8_000), "8000 Hz: record"),
        (_rewrite(8), "write down in transcript.txt"),
        (_silence, "is silent"),
        (_wide, "32-bit samples"),
        (lambda folder: (folder / "clip.wav").write_bytes(b"RIFF"), "is no WAV"),
        (lambda folder: (folder / "clip.wav").unlink(), "clip.wav is missing"),
        (lambda folder: (folder / "transcript.txt").unlink(), "exact words"),
        (lambda folder: (folder / "transcript.txt").write_bytes(b"\xff"), "exact words"),
        (lambda folder: (folder / "consent.txt").write_text(" \n"), "consent.txt is empty"),
        (lambda folder: (folder / "licence.txt").unlink(), "licence"),
        (lambda folder: folder.rename(folder.with_name("a voice")), "a voice's name"),
        (shutil.rmtree, "has no voices"),
        (lambda folder: shutil.rmtree(folder.parent), "is not a folder"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(
    read: Read, tmp_path: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(csm_folders.write_voice(tmp_path / "ada"))
    with pytest.raises(VoiceError, match=said):
        read()


def test_codes_that_cannot_be_kept_are_used(read: Read, tmp_path: Path) -> None:
    folder = csm_folders.write_voice(tmp_path / "ada")
    (folder / "codes.json").mkdir()
    assert len(read()["ada"].codes) == 15


def test_an_unknown_voice_is_refused_with_those_that_there_are() -> None:
    voices = {name: Voice(name, "Hello.", torch.zeros(1, 1)) for name in ("zoe", "ben", "ada")}
    assert find_voice("ben", voices).name == "ben"
    assert find_voice("default", voices).name == "ada"
    with pytest.raises(UnknownVoiceError, match="no voice 'Ben'; there are ada, ben, zoe"):
        find_voice("Ben", voices)
    voices["default"] = Voice("default", "Hello.", torch.zeros(1, 1))
    assert find_voice("default", voices).name == "default"


class TestWriting:
    @pytest.fixture
    def clip(self, tmp_path_factory: pytest.TempPathFactory) -> bytes:
        folder = tmp_path_factory.mktemp("clip")
        write_wav(folder / "clip.wav", noise(1.2, 44_100), 44_100)
        return (folder / "clip.wav").read_bytes()

    @pytest.fixture
    def write(self, clip: bytes, tmp_path: Path) -> Callable[..., Path]:
        texts = {"transcript": "Hello to all.", "consent": "Noise.", "licence": "CC0-1.0"}

        def write(name: str = "eve", **changed: Any) -> Path:
            return write_voice(tmp_path, name, **{"clip": clip, **texts, **changed})

        return write

    def test_what_is_written_is_read(
        self, write: Callable[..., Path], model: Csm, encoder: MimiEncoder
    ) -> None:
        folder = write(transcript=" Hello\nto all. ")
        voice = read_voice(folder, encoder, fingerprint(model.weights.codec))
        assert (voice.name, voice.transcript) == ("eve", "Hello to all.")
        assert voice.codes.shape == (15, TINY["num_codebooks"])
        assert torch.equal(
            read_voices(folder.parent, encoder, fingerprint(model.weights.codec))["eve"].codes,
            voice.codes,
        )

    def test_of_two_that_write_the_same_one_does(
        self, write: Callable[..., Path], tmp_path: Path
    ) -> None:
        both_ready = Barrier(2)

        def attempt(consent: str) -> Path | VoiceError:
            both_ready.wait(10)
            try:
                return write(consent=consent)
            except VoiceExistsError as error:
                return error

        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(attempt, ["By one.", "By two."])
        assert {type(first), type(second)} >= {VoiceExistsError}
        (folder,) = tmp_path.iterdir()
        assert folder in {first, second}
        written = (folder / "consent.txt").read_text()
        assert written == ("By one.\n" if first == folder else "By two.\n")

    def test_a_folder_that_is_not_there_is_not_made(
        self, write: Callable[..., Path], tmp_path: Path
    ) -> None:
        tmp_path.rmdir()
        with pytest.raises(VoiceError, match="cannot be written: No such file"):
            write()
        assert not tmp_path.exists()
