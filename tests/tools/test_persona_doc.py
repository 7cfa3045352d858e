"""docs/personas.md and personas/schema.json say what the models say."""

import re
from pathlib import Path

import pytest
import yaml

from agent.persona import load_persona
from agent.persona.schema import schema
from tools import persona_doc

SHIPPED = sorted((persona_doc.ROOT / "personas").glob("*.yaml"))
EXAMPLES = re.findall(r"```yaml\n(.*?)```", persona_doc.PAGE.read_text(), re.DOTALL)
LEAST = {"name": "bob", "greeting": "Hello.", "instructions": "Be brief."}


def test_schema_and_tables_are_up_to_date() -> None:
    assert persona_doc.SCHEMA.read_text() == persona_doc.schema_text(), (
        "run `python -m tools.persona_doc`"
    )
    page = persona_doc.PAGE.read_text()
    assert page == persona_doc.page(page), "run `python -m tools.persona_doc`"


def test_every_key_has_its_meaning_in_the_tables() -> None:
    rows = [line for line in persona_doc.tables().splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []


@pytest.mark.parametrize("text", EXAMPLES, ids=["the least", "calling out"])
def test_an_example_of_the_page_loads(tmp_path: Path, text: str) -> None:
    name = yaml.safe_load(text)["name"]
    (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "termin.txt").write_text("Sie rufen {{patient}} an: {{day}}.")
    load_persona(tmp_path, name, {"AGENT_SECRET_MINDS": "s3cret"})


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_persona_names_the_schema(path: Path) -> None:
    assert path.read_text().startswith("# yaml-language-server: $schema=schema.json\n")


def test_the_schema_refuses_unknown_keys_and_refers_to_what_it_has() -> None:
    whole = schema()
    objects = [whole, *whole["$defs"].values()]
    assert [each["title"] for each in objects if each.get("additionalProperties", True)] == []
    names = set(re.findall(r'"#/\$defs/(\w+)"', persona_doc.schema_text()))
    assert names == set(whole["$defs"])
