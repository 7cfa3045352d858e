"""Bounds on calls under load, and what is said of a file that cannot be used."""

from pathlib import Path
from typing import Any

import pytest

from agent.yaml_file import BadFileError
from parley.load.command import SLO
from parley.load.slo import Slo
from tests.parley.load.calls import figures


def missed(slo: Slo, **known: Any) -> list[str]:
    return [each.name for each in slo.judge(figures(**known)) if not each.met]


def test_each_bound_is_held_against_its_figure() -> None:
    slo = Slo.read(SLO)
    assert missed(slo) == []
    assert missed(slo, setup_rate=0.99) == ["setup_rate"]
    assert missed(slo, first_sound_p95=1.61, failures=0.03) == ["first_sound_p95", "failures"]
    assert missed(slo, first_sound_p95=1.6, failures=0.02) == []


def test_what_should_have_been_measured_and_was_not_is_missed() -> None:
    slo = Slo(first_sound_p95=1.6, gaps_per_minute=0.0)
    assert missed(slo, first_sound_p95=None) == ["first_sound_p95"]
    assert missed(slo, gaps_per_minute=None) == []
    assert missed(slo, gaps_per_minute=0.5) == ["gaps_per_minute"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("first_sound_p95: 1.6\nsetup: 1.0\n", ":2: setup: Extra inputs"),
        ("first_sound_p95: soon\n", ":1: first_sound_p95: Input should be a valid number"),
        ("failures: 2\n", ":1: failures: Input should be less than or equal to 1"),
        ("failures: 0.1\nfailures: 0.2\n", ":2: failures: given twice"),
        ("answer_p95: [1\n", "not YAML"),
        ("{}\n", "asks for nothing: give one of setup_rate"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_with_its_line(
    tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "slo.yaml"
    file.write_text(text)
    with pytest.raises(BadFileError) as refused:
        Slo.read(file)
    assert says in str(refused.value)
    assert str(file) in str(refused.value)
