"""The commands with the rehearsal voice: what they say and write, and what they refuse."""

import io
import json
import os
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from csm_engine.cli import commands
from csm_engine.csm import sampler
from csm_engine.protocol import SAMPLE_RATE
from tests.csm_tts.command_line import run

pytestmark = pytest.mark.engine

MORNING = "Good morning."


def test_speak_writes_a_wav_and_says_how_soon(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("speak", MORNING, "-o", tmp_path / "out.wav") == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "s of sound, the first after" in said.err
    assert said.err.endswith("finish reason stop\n")
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        assert file.getframerate() == SAMPLE_RATE
        assert 0.5 < file.getnframes() / SAMPLE_RATE < 3


def test_speak_reads_stdin_and_writes_raw_sound_to_stdout(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{MORNING}\n"))
    assert run("speak", "-", "-o", "-") == 0
    raw = capfdbinary.readouterr().out
    assert run("speak", MORNING, "-o", tmp_path / "out.wav") == 0
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert raw == file.readframes(file.getnframes())


@pytest.mark.parametrize(
    ("text", "out", "says"),
    [
        (" \n", "out.wav", "the text is empty"),
        (MORNING, ".", "it is a folder"),
        (MORNING, "nowhere/out.wav", "there is no folder"),
    ],
)
def test_speak_says_in_a_sentence_what_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, out: str, says: str
) -> None:
    assert run("speak", text, "-o", tmp_path / out) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert not list(tmp_path.iterdir())


def test_stdin_that_is_no_text_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), "utf-8"))
    assert run("speak", "-", "-o", tmp_path / "out.wav") == 2
    assert capsys.readouterr().err == "stdin is not text in UTF-8: convert it\n"


def test_speak_into_a_closed_pipe_ends_in_a_sentence() -> None:
    speaking = subprocess.Popen(
        [sys.executable, "-m", "csm_engine", "speak", MORNING, "-o", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert speaking.stdout is not None
    speaking.stdout.close()
    speaking.stdout = None
    _, errors = speaking.communicate(timeout=30)
    assert errors.decode() == "cannot write to stdout: Broken pipe\n"
    assert speaking.returncode == 2


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (("--seed", "-1"), "not in 0"),
        (("--seed", "one"), "'one' is not a number"),
        (("--temperature", "5.1"), "not in 0…5"),
        (("--temperature", "nan"), "not in 0…5"),
        (("--top-k", "257"), "not in 0…256"),
    ],
)
def test_what_a_sampler_would_refuse_is_refused_at_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: tuple[str, str], says: str
) -> None:
    with pytest.raises(SystemExit) as raised:
        run("speak", MORNING, "-o", tmp_path / "out.wav", *option)
    assert raised.value.code == 2
    assert says in capsys.readouterr().err


def test_the_bounds_are_the_samplers() -> None:
    assert commands.MAX_TEMPERATURE == sampler.MAX_TEMPERATURE
    assert commands.MAX_TOP_K == sampler.MAX_TOP_K
    sampler.Sampling(seed=commands.MAX_SEED)


def test_bench_measures_each_number_of_conversations(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "--at-once", 1, 2, "--sentences", 2, "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert body["model"] == "rehearsal"
    assert {"date", "cpu", "cores", "python"} <= body["machine"].keys()
    assert [(each["conversations"], each["sentences"]) for each in body["rounds"]] == [
        (1, 2),
        (2, 4),
    ]
    for each in body["rounds"]:
        assert each["failed"] == 0
        assert 0 < each["first"]["p50"] <= each["first"]["p95"] <= each["wall"]
        assert each["real_time_factor"] == pytest.approx(each["wall"] / each["sound"])
        assert each["frames_a_second"] == pytest.approx(each["frames"] / each["wall"])


def test_bench_prints_a_table_with_its_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "--at-once", 1, "--sentences", 1) == 0
    page = capsys.readouterr().out
    assert page.startswith("# rehearsal\n")
    assert "cores" in page
    assert page.splitlines()[-1].startswith("| 1 | 1 | 0 |")


@pytest.mark.parametrize("given", ["0", "-1", "many"])
def test_bench_counts_from_one(capsys: pytest.CaptureFixture[str], given: str) -> None:
    with pytest.raises(SystemExit):
        run("bench", "--at-once", given)
    assert "not a count of 1 or more" in capsys.readouterr().err


def without_torch(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.modules['torch'] = None;"
        f" sys.argv = {['csm_engine', *words]!r}; from csm_engine.__main__ import main; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        env=os.environ | settings,
        text=True,
        timeout=30,
    )


def test_with_the_rehearsal_voice_no_command_needs_torch(tmp_path: Path) -> None:
    helped = without_torch("--help")
    assert helped.returncode == 0
    assert all(name in helped.stdout for name in ("serve", "speak", "bench", "voice", "doctor"))
    out = tmp_path / "out.wav"
    assert without_torch("speak", MORNING, "-o", str(out)).returncode == 0
    assert out.stat().st_size > 10_000
    assert without_torch("bench", "--at-once", "1", "--sentences", "1").returncode == 0
    assert without_torch("doctor").returncode == 0


def test_a_csm_without_torch_says_what_to_install(tmp_path: Path) -> None:
    ended = without_torch("speak", MORNING, "-o", str(tmp_path / "out.wav"), CSM_MODEL="a-csm")
    assert ended.returncode == 2
    assert "install livekit-plugins-csm-tts[engine]" in ended.stderr
    assert ended.stderr.count("\n") == 1
