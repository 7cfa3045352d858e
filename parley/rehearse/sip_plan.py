"""What a stack must know to be called for scenarios: a persona, a script and phrases for each."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import yaml

from agent.yaml_file import BadFileError
from parley.rehearse.mind import TOMORROW
from parley.rehearse.scenario import Scenario, Turn
from parley.rehearse.stage import Stage, staged
from parley.scripted.app import MODEL_PREFIX
from parley.scripted.matching import words_of
from parley.scripted.script import Script

KNOWN_TRANSFERS = frozenset({"answered", "refused"})
"""A caller who is no trunk refuses to be transferred; the first is what a scenario says that asks
for none."""


@dataclass(frozen=True)
class Part:
    """A scenario in the stack's terms. `persona` is its name there, `number` where it answers."""

    scenario: Scenario
    persona: str
    number: str
    script: Script | None

    @property
    def model(self) -> str:
        return f"{MODEL_PREFIX}{self.persona}"


@dataclass
class Plan:
    """In `folder`: `personas/`, and `phrases.txt` for rehearsal ears."""

    folder: Path
    parts: dict[str, Part] = field(default_factory=dict)
    """By the scenario's name."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Why, by the scenario's name."""

    @property
    def personas(self) -> Path:
        return self.folder / "personas"

    @property
    def phrases(self) -> Path:
        return self.folder / "phrases.txt"


def planned(scenarios: Sequence[Scenario], personas: Path, folder: Path) -> Plan:
    """Raises `BadFileError` for a persona or script that cannot be used, or where two of the
    scenarios bring different texts of one name: their agents work in one folder."""
    plan = Plan(folder)
    shutil.copytree(personas, plan.personas)
    for number, scenario in enumerate(scenarios, 1):
        if scenario.needs:
            plan.skipped[scenario.name] = f"needs {scenario.needs}"
            continue
        with staged(scenario, personas) as stage:
            if why := unplayable(stage):
                plan.skipped[scenario.name] = f"needs text mode: {why}"
                continue
            part = Part(scenario, f"rehearsed-{number}", f"+1555020{number:04}", _dated(stage))
            _write(part, stage, plan.personas)
        plan.parts[scenario.name] = part
    said = sorted({" ".join(words) for text in _said(plan) if (words := words_of(text))})
    plan.phrases.write_text("".join(f"{phrase}\n" for phrase in said), encoding="utf-8")
    return plan


def unplayable(stage: Stage) -> str | None:
    """What a caller at a real line cannot do or be; None where it can do all."""
    scenario, language = stage.scenario, stage.persona.language
    if scenario.direction == "outbound":
        return "it is a call that the agent places"
    if language.partition("-")[0] != "en":
        return f"flite's voices speak English, not {language}"
    for away in scenario.away:
        if away.part != "mind":
            return f"the {away.part} cannot be taken away from one call alone"
    for number, turn in enumerate(scenario.turns, 1):
        if why := _undone(turn):
            return f"turn {number}: {why}"
    asked = {scenario.transfer} | {
        "transferred" for check in scenario.checks if check.transferred_to is not None
    }
    if asked - KNOWN_TRANSFERS:
        return "a transfer takes a trunk that knows REFER"
    return None


def _undone(turn: Turn) -> str | None:
    return "trails_off: flite's voices end a sentence" if turn.trails_off else None


def _write(part: Part, stage: Stage, personas: Path) -> None:
    for name, text in stage.scenario.files.items():
        file = personas / name
        if file.is_file() and file.read_text(encoding="utf-8") != text:
            raise BadFileError(
                f"scenario {stage.scenario.name}: files: another has a different {name}: "
                "call them apart"
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    written = (stage.folder / f"{stage.persona.name}.yaml").read_text(encoding="utf-8")
    data = {**yaml.safe_load(written), "name": part.persona}
    for own in ("model", "minds"):
        data.pop(own, None)
    if stage.scenario.model is None:
        data["model"] = part.model
    else:
        data["minds"] = [stage.scenario.model.model_dump(mode="json", exclude_defaults=True)]
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    (personas / f"{part.persona}.yaml").write_text(text, encoding="utf-8")


def _dated(stage: Stage) -> Script | None:
    """With the date that its calls' arguments ask for."""
    if stage.script is None:
        return None
    tomorrow = datetime.now().astimezone().date() + timedelta(days=1)
    written = stage.script.model_dump_json().replace(TOMORROW, tomorrow.isoformat())
    return Script.model_validate_json(written)


def _said(plan: Plan) -> Iterator[str]:
    for part in plan.parts.values():
        yield from part.script.phrases() if part.script else ()
        yield from (turn.words for turn in part.scenario.turns if turn.words)
