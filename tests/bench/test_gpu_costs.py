"""What a GPU takes, put upon the rehearsal models."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.yaml_file import BadFileError
from bench.gpu_costs import WORD, read_costs
from csm_engine.config import Settings as VoiceSettings
from parley.scripted.config import Settings as ScriptedSettings
from whisper_engine.config import Settings as EarsSettings

SHIPPED = Path(__file__).parents[2] / "bench" / "costs" / "h200.json"


def shipped() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(SHIPPED.read_text())
    return told


def written(folder: Path, told: dict[str, Any]) -> Path:
    path = folder / "costs.json"
    path.write_text(json.dumps(told, indent=2))
    return path


def test_each_model_takes_the_settings_that_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = read_costs(SHIPPED)
    for name, value in costs.settings().items():
        monkeypatch.setenv(name, value)
    ears, scripted, voice = EarsSettings(), ScriptedSettings(), VoiceSettings()
    hearing, thinking, speaking = costs.hearing, costs.thinking, costs.speaking
    assert ears.rehearsal.interim == hearing.interim.seconds
    assert ears.rehearsal.final == hearing.final.seconds
    assert scripted.first == thinking.first_token.seconds
    assert scripted.pace == pytest.approx(WORD * thinking.token.seconds)
    assert voice.rehearsal.first == speaking.first_sound.seconds
    assert voice.rehearsal.frame == speaking.frame.seconds


def test_what_nobody_measured_is_told_as_an_estimate(tmp_path: Path) -> None:
    told = shipped()
    told["speaking"]["frame"]["measured_on"] = "H200, batch of one"
    page = "\n".join(read_costs(written(tmp_path, told)).page())
    assert "| 6.5 | measured on H200, batch of one | 2026-11-22 |" in page
    assert page.count("| estimated |") == 5


@pytest.mark.parametrize("key", ["seconds", "measured_on", "date", "source"])
def test_a_figure_without_its_origin_is_refused(tmp_path: Path, key: str) -> None:
    told = shipped()
    del told["thinking"]["token"][key]
    with pytest.raises(BadFileError, match=rf"costs\.json:\d+: thinking\.token\.{key}: Field req"):
        read_costs(written(tmp_path, told))


def test_what_no_model_takes_is_refused(tmp_path: Path) -> None:
    told = shipped()
    told["thinking"]["prefill"] = told["thinking"]["token"]
    with pytest.raises(BadFileError, match=r"thinking\.prefill: Extra inputs"):
        read_costs(written(tmp_path, told))
