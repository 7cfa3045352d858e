"""`doctor`: what it looks at, in which order it tells it, and what it makes of a short run."""

import json
from pathlib import Path

import pytest

from csm_engine.cli.csm_findings import GIB, fits
from csm_engine.cli.figures import Quantiles, milliseconds
from csm_engine.cli.findings import Finding, State, installed, worst_first
from csm_engine.cli.rounds import Round, Said, summed
from csm_engine.cli.trial import by_roofline, conversations, spoken
from tests.csm_tts.command_line import run
from tests.csm_tts.csm_folders import Folders, write_folders

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return write_folders(tmp_path_factory.mktemp("csm"))


@pytest.fixture
def tiny(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSM_MODEL", str(folders.model))
    monkeypatch.setenv("CSM_VOICES", str(folders.voices))
    monkeypatch.setenv("CSM_DEVICE", "cpu")
    monkeypatch.setenv("CSM_STREAMS", "2")
    monkeypatch.setenv("CSM_LISTEN__MAX_SESSIONS", "2")


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    found = json.loads(capsys.readouterr().out)["findings"]
    return {finding["what"]: finding for finding in found}


def test_the_rehearsal_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor") == 0
    page = capsys.readouterr().out
    assert "fine: speech: first frame after" in page
    assert "broken" not in page


@pytest.mark.usefixtures("tiny")
def test_a_csm_is_looked_at_from_its_packages_to_its_speech(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = run("doctor", "--json")
    found = told(capsys)
    assert status == any(finding["state"] == "broken" for finding in found.values())
    assert found["speech"]["state"] == "fine"
    assert "measured here" in found["conversations"]["says"]
    assert found["voices"]["says"] == "ada, ben"
    assert found["voice ada"]["state"] == "could be better"
    assert found["device"]["says"].startswith("the CPU")
    assert "tensors" in found["model"]["says"]
    assert "GiB needed" in found["memory"]["says"]
    assert found["graphs"]["says"].startswith("none")
    assert found["kernels"]["state"] == "fine"


@pytest.mark.usefixtures("tiny")
def test_what_is_broken_comes_first_with_its_fix_and_nothing_is_loaded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CSM_MODEL", str(tmp_path))
    monkeypatch.setenv("CSM_VOICES", str(tmp_path))
    assert run("doctor") == 1
    page = capsys.readouterr().out.splitlines()
    assert page[1].startswith("broken: model: ")
    assert "config.json does not exist" in page[1]
    assert page[2] == "  → set CSM_MODEL to a whole CSM"
    assert page[3].startswith("broken: voices: ")
    assert not any("speech" in line for line in page)


@pytest.mark.usefixtures("tiny")
def test_a_voice_that_cannot_speak_is_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "eve").mkdir()
    monkeypatch.setenv("CSM_VOICES", str(tmp_path))
    assert run("doctor", "--json") == 1
    assert told(capsys)["voice eve"]["state"] == "broken"


def test_packages_are_missed_by_a_csm_alone() -> None:
    versions = {"torch": None, "safetensors": "0.8.0"}
    missed = installed(versions, needed=True)
    assert missed.state is State.BROKEN
    assert missed.says == "torch missing, safetensors 0.8.0"
    assert installed(versions, needed=False).state is State.FINE
    assert installed({"torch": "2.15.0"}, needed=True).state is State.FINE


def test_within_a_kind_what_came_first_stays_first() -> None:
    states = (State.FINE, State.BROKEN, State.WEAK, State.BROKEN)
    findings = [Finding(str(number), state, "") for number, state in enumerate(states)]
    assert [finding.what for finding in worst_first(findings)] == ["1", "3", "2", "0"]


def test_memory_that_is_not_there_is_broken() -> None:
    parts = {"pages": 2 * GIB, "codec": GIB // 2, "rows": 1, "backbone": GIB}
    assert fits(parts, 4 * GIB).state is State.FINE
    assert fits(parts, None).state is State.FINE
    short = fits(parts, 3 * GIB)
    assert short.state is State.BROKEN
    assert short.says == ("3.50 GiB needed (pages 2.00, backbone 1.00, codec 0.50), 3.00 GiB free")


def a_round(conversations: int, frame: float, *, frames: int = 100) -> Round:
    said = [Said(frame, frames, 0.08 * frames) for _ in range(conversations)]
    return summed(said, conversations, frame * frames)


def test_a_quick_machine_has_room_for_all_its_streams() -> None:
    found = conversations([a_round(1, 0.007), a_round(2, 0.007), a_round(4, 0.0075)], 16)
    assert found.state is State.FINE
    assert found.says.startswith("16 speaking at once (CSM_STREAMS=16)")


def test_a_machine_for_a_few_is_told_how_many() -> None:
    found = conversations([a_round(1, 0.02), a_round(2, 0.03), a_round(4, 0.06)], 16)
    assert found.state is State.WEAK
    assert found.says.startswith("2 speaking at once")
    assert found.fix == "set CSM_STREAMS=2: more would hear gaps"


def test_a_machine_too_slow_for_one_is_broken() -> None:
    slow = [a_round(1, 0.9)]
    assert spoken(slow).state is State.FINE
    found = conversations(slow, 16)
    assert found.state is State.BROKEN
    assert found.says.startswith("none in real time: a frame takes")


def test_speech_that_fails_or_makes_no_sound_is_broken() -> None:
    failed = spoken([summed([Said(None, 0, 0.0, "fell off the bus")], 1, 1.0)])
    assert (failed.state, failed.says) == (State.BROKEN, "fell off the bus")
    assert spoken([summed([Said(None, 0, 0.0)], 1, 1.0)]).state is State.BROKEN


def test_nothing_measured_is_said_to_be_so() -> None:
    assert "nothing was measured here" in by_roofline(16).says


def test_a_round_is_summed_over_its_conversations() -> None:
    said = [Said(0.1, 10, 0.8), Said(0.3, 30, 2.4), Said(None, 0, 0.0, "full")]
    both = summed(said, 2, 4.0)
    assert (both.sentences, both.failed, both.frames, both.why) == (3, 1, 40, "full")
    assert both.sound == pytest.approx(3.2)
    assert both.real_time_factor == pytest.approx(1.25)
    assert both.frames_a_second == 10
    assert both.frame_seconds == pytest.approx(0.2)
    assert both.first == Quantiles(2, 0.1, 0.3)
    assert Quantiles.of(range(1, 101)) == Quantiles(100, 50, 95)
    assert milliseconds(both.first.p50) == "100.0"
    assert summed([], 1, 1.0).real_time_factor is None
    assert milliseconds(None) == "-"
