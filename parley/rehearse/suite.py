"""All scenarios of a run, one after another: their clock is the process's."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from agent.tools.declared import SECRET_PREFIX
from parley.rehearse import over_sip, text
from parley.rehearse.judge import Judge
from parley.rehearse.results import Report
from parley.rehearse.scenario import Scenario
from parley.rehearse.stage import staged
from parley.settings import BadSettingsError, full_environment

JUDGE_KEY = SECRET_PREFIX + "JUDGE"


def judge_at(url: str | None, model: str | None) -> Judge | None:
    """With the key of the environment, if it has one."""
    return Judge(url, model, os.environ.get(JUDGE_KEY, "unused")) if url and model else None


def in_text(scenarios: Sequence[Scenario], personas: Path, judge: Judge | None) -> Report:
    """Raises `BadFileError` before any is played, if one cannot be."""
    for scenario in scenarios:
        if not scenario.needs:
            with staged(scenario, personas):
                continue
    return Report.of([text.rehearse(scenario, personas, judge) for scenario in scenarios])


def by_telephone(scenarios: Sequence[Scenario], personas: Path, judge: Judge | None) -> Report:
    """Raises BadFileError, NotRunningError or SpeechError."""
    return over_sip.rehearse(scenarios, personas, _surroundings(), judge)


def _surroundings() -> dict[str, str]:
    """With the settings of engines that the file of secrets has, if there is one."""
    with suppress(BadSettingsError):
        return full_environment()
    return dict(os.environ)
