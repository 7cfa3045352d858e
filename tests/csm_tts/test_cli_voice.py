"""`voice add|list|check`: folders of voices, without a model and with a tiny one."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from csm_engine.cli.judging import advice, judge, silence_at_end
from csm_engine.csm.synthetic import write_tiny
from csm_engine.endings.level import Pcm
from tests.csm_tts.command_line import run
from tests.csm_tts.csm_folders import TRANSCRIPT, noise, write_voice, write_wav

pytestmark = pytest.mark.engine

RATE = 24_000


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_wav(tmp_path / "recording.wav", noise(1.2))
    return tmp_path / "recording.wav"


def added(clip: Path, *others: object) -> tuple[object, ...]:
    texts = ("--transcript", TRANSCRIPT, "--consent", "Noise.", "--licence", "CC0-1.0")
    return ("voice", "add", "ada", "--clip", clip, *texts, *others)


def test_add_writes_a_voice_that_list_and_check_find(
    capsys: pytest.CaptureFixture[str], clip: Path, tmp_path: Path
) -> None:
    root = tmp_path / "voices"
    assert run(*added(clip, "--folder", root)) == 0
    assert "a CSM makes its codes when it starts" in capsys.readouterr().out
    assert (root / "ada" / "clip.wav").read_bytes() == clip.read_bytes()
    assert (root / "ada" / "transcript.txt").read_text() == f"{TRANSCRIPT}\n"
    assert run("voice", "list", "--folder", root) == 0
    assert capsys.readouterr().out == "ada\n"
    assert run("voice", "check", "--folder", root) == 0
    page = capsys.readouterr().out
    assert page.startswith("ada: could be better (1.2 s, -21 dBFS)\n")
    assert "8 to 15 s hold a voice best" in page
    assert "ends with 0.00 s of silence: make it 0.3 to 0.5" in page


def test_add_takes_texts_from_files_and_the_folder_from_the_settings(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "voices"
    root.mkdir()
    monkeypatch.setenv("CSM_VOICES", str(root))
    words = tmp_path / "words.txt"
    words.write_text(TRANSCRIPT)
    given = ("--consent", "Noise.", "--licence", "CC0-1.0", "--transcript-file", words)
    assert run("voice", "add", "ben", "--clip", clip, *given) == 0
    assert (root / "ben" / "transcript.txt").read_text() == f"{TRANSCRIPT}\n"


def test_add_makes_the_codes_that_the_engine_would(
    capsys: pytest.CaptureFixture[str],
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_tiny(tmp_path / "tiny-csm")
    monkeypatch.setenv("CSM_MODEL", str(tmp_path / "tiny-csm"))
    monkeypatch.setenv("CSM_DEVICE", "cpu")
    root = tmp_path / "voices"
    assert run(*added(clip, "--folder", root)) == 0
    assert "its codes are made" in capsys.readouterr().out
    kept = root / "ada" / "codes.json"
    stamp = kept.stat().st_mtime_ns
    monkeypatch.setenv("CSM_VOICES", str(root))
    assert run("speak", "Hello.", "-o", tmp_path / "out.wav", "--voice", "ada", "--seed", 1) == 0
    assert kept.stat().st_mtime_ns == stamp


def test_add_says_in_a_sentence_what_is_wrong(
    capsys: pytest.CaptureFixture[str], clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "voices"
    short = tmp_path / "short.wav"
    write_wav(short, noise(0.5))
    for words, says in (
        (added(clip), "no folder of voices: name one with --folder"),
        (added(short, "--folder", root), "lasts 0.5 s: cut it"),
        (added(tmp_path / "none.wav", "--folder", root), "none.wav cannot be used: No such file"),
        (added(clip, "--folder", root, "--consent", " "), "consent.txt is empty"),
    ):
        assert run(*words) == 2
        said = capsys.readouterr()
        assert says in said.err
        assert (said.out, said.err.count("\n")) == ("", 1)
    assert run(*added(clip, "--folder", root)) == 0
    capsys.readouterr()
    assert run(*added(clip, "--folder", root)) == 2
    assert "there is a voice 'ada' already" in capsys.readouterr().err
    monkeypatch.setenv("CSM_MODEL", str(tmp_path / "nowhere"))
    assert run("voice", "add", "ben", *added(clip, "--folder", root)[3:]) == 2
    assert "ben is written, but CSM_MODEL cannot be read" in capsys.readouterr().err


def test_check_names_each_voice_that_cannot_speak(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write_voice(tmp_path / "ada")
    (write_voice(tmp_path / "ben") / "consent.txt").unlink()
    assert run("voice", "check", "--folder", tmp_path) == 1
    page = capsys.readouterr().out
    assert "ada: could be better" in page
    assert "ben: cannot speak: " in page
    assert "who speaks, and what they allow" in page


def test_check_of_no_voices_names_the_fix(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for folder, says in ((tmp_path, "add one with `voice add`"), (tmp_path / "x", "not a folder")):
        assert run("voice", "check", "--folder", folder) == 2
        assert says in capsys.readouterr().err


def test_check_needs_no_torch(tmp_path: Path) -> None:
    write_voice(tmp_path / "ada")
    code = (
        "import sys; sys.modules['torch'] = None;"
        " sys.argv = ['csm_engine', 'voice', 'check'];"
        " from csm_engine.__main__ import main; main()"
    )
    environment = os.environ | {"CSM_VOICES": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=30)


def speech(seconds: float, level: float = 0.1) -> Pcm:
    return (level * np.random.default_rng(0).normal(0, 1, int(seconds * RATE))).astype(np.float32)


def with_silence(pcm: Pcm, seconds: float) -> Pcm:
    return np.concatenate([pcm, np.zeros(int(seconds * RATE), np.float32)])


def test_a_good_clip_needs_no_advice() -> None:
    assert list(advice(with_silence(speech(10), 0.4), RATE)) == []


@pytest.mark.parametrize(
    ("pcm", "says"),
    [
        (with_silence(speech(3), 0.4), "it lasts 3.4 s"),
        (with_silence(speech(18), 0.4), "it lasts 18.4 s"),
        (with_silence(speech(10, 0.01), 0.4), "its level is -40 dBFS"),
        (with_silence(np.clip(speech(10, 0.15), -0.2, 0.2) * 5, 0.4), "is clipped"),
        (with_silence(speech(10), 0.1), "ends with 0.10 s"),
        (with_silence(speech(10), 1.0), "ends with 1.00 s"),
    ],
)
def test_a_clip_that_could_be_better_is_told_how(pcm: Pcm, says: str) -> None:
    assert any(says in each for each in advice(pcm, RATE))


def test_silence_is_counted_from_the_end() -> None:
    assert silence_at_end(with_silence(speech(1), 0.25), RATE) == pytest.approx(0.25, abs=0.011)
    assert silence_at_end(speech(1), RATE) == 0
    assert silence_at_end(np.zeros(RATE // 2, np.float32), RATE) == 0.5


def test_a_voice_that_cannot_speak_has_no_figures(tmp_path: Path) -> None:
    judged = judge(tmp_path)
    assert judged.problem is not None
    assert (judged.seconds, judged.level, judged.advice) == (None, None, ())
