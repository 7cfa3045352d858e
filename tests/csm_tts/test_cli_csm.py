"""The commands with a tiny CSM."""

import json
from pathlib import Path

import pytest

from tests.csm_tts.command_line import run
from tests.csm_tts.csm_folders import Folders, write_folders

pytestmark = pytest.mark.engine

MORNING = "Good morning."


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return write_folders(tmp_path_factory.mktemp("csm"))


@pytest.fixture(autouse=True)
def settings(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSM_MODEL", str(folders.model))
    monkeypatch.setenv("CSM_VOICES", str(folders.voices))
    monkeypatch.setenv("CSM_DEVICE", "cpu")
    monkeypatch.setenv("CSM_STREAMS", "2")


def sound(out: Path, *options: object) -> bytes:
    assert run("speak", MORNING, "-o", out, *options) == 0
    return out.read_bytes()


def test_a_voice_and_a_seed_decide_the_sound(tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    first = sound(out, "--voice", "ada", "--seed", 1, "--temperature", 0.8, "--top-k", 20)
    assert sound(out, "--voice", "ada", "--seed", 1, "--temperature", 0.8, "--top-k", 20) == first
    assert sound(out, "--voice", "ben", "--seed", 1, "--temperature", 0.8, "--top-k", 20) != first


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        (MORNING, ("--voice", "eve"), "no voice 'eve'; there are ada, ben"),
        ("Доброе утро", (), "English only"),
        ("🙂", (), "nothing was spoken"),
    ],
)
def test_what_it_cannot_speak_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    text: str,
    options: tuple[str, ...],
    says: str,
) -> None:
    assert run("speak", text, "-o", tmp_path / "out.wav", *options) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_watermark_that_cannot_be_made_is_no_sound_without_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CSM_WATERMARK", "silentcipher")
    assert run("speak", MORNING, "-o", tmp_path / "out.wav") == 2
    assert "CSM_WATERMARK_KEY must be" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_bench_speaks_in_a_batch(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "--at-once", 1, 2, "--sentences", 1, "--voice", "ben", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert body["model"] == "tiny-csm"
    assert [(each["sentences"], each["failed"]) for each in body["rounds"]] == [(1, 0), (2, 0)]
    assert all(each["frames_a_second"] > 0 for each in body["rounds"])


def test_bench_in_a_voice_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "--voice", "eve") == 2
    assert "there are ada, ben" in capsys.readouterr().err


def test_a_model_that_cannot_be_read_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CSM_MODEL", str(tmp_path))
    for words in (("speak", MORNING, "-o", tmp_path / "out.wav"), ("bench",)):
        assert run(*words) == 2
        said = capsys.readouterr().err
        assert "config.json does not exist" in said
        assert said.count("\n") == 1
