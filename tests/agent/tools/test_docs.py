"""docs/tools.md says what there is: every kind, every key, every default; its examples are good."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic.fields import FieldInfo

from agent.tools.declared import Declaration, parse
from agent.tools.kinds import Tool

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "tools.md").read_text()
KINDS: tuple[type[Tool], ...] = get_args(get_args(Declaration)[0])


def section(kind: str) -> str:
    found = re.search(rf"^## `{kind}`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, kind
    return found[1]


def kind_of(model: type[Tool]) -> str:
    (kind,) = get_args(model.model_fields["type"].annotation)
    return str(kind)


def keys() -> list[tuple[str, str, FieldInfo]]:
    return [
        (kind_of(model), key, field)
        for model in KINDS
        for key, field in model.model_fields.items()
        if key != "type"
    ]


@pytest.mark.parametrize(("kind", "key", "field"), keys(), ids=lambda part: str(part)[:40])
def test_every_key_is_described_with_its_default(kind: str, key: str, field: FieldInfo) -> None:
    rows = [row.split("|") for row in section(kind).splitlines() if row.startswith("|")]
    (row,) = [row for row in rows if f"`{key}`" in row[1]]
    if field.is_required():
        assert row[2].strip() == "required"
    elif field.default is not None and isinstance(field.default, bool | int | float | str):
        default = field.default
        shown = f"{default:g}" if isinstance(default, float) else str(default).lower()
        said = row[2].replace("`", "").lower().replace(",", " ").split()
        assert shown.lower() in said


def test_no_kind_is_described_that_there_is_not() -> None:
    described = re.findall(r"^## `(\w+)`", PAGE, re.MULTILINE)
    assert described == [kind_of(model) for model in KINDS]


def test_every_error_is_described() -> None:
    source = "".join(path.read_text() for path in (ROOT / "agent" / "tools").glob("*.py"))
    raised = set(re.findall(r'(?:ToolFailure|_error)\(\s*(?:work, )?"(\w+)"', source))
    assert {"timeout", "bad_arguments", "not_free"} <= raised
    assert [error for error in sorted(raised) if f"`{error}`" not in PAGE] == []


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_the_examples_are_good(example: str) -> None:
    assert parse(yaml.safe_load(example)["tools"])
