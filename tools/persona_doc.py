"""Writes personas/schema.json and the tables of docs/personas.md; `--check` says whether they are up to date."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from agent.persona.model import Persona
from agent.persona.policies import (
    Endpoint,
    FailurePlan,
    Limits,
    Memory,
    MessagePlan,
    Outbound,
    StartSpeakingPlan,
    StopSpeakingPlan,
)
from agent.persona.schema import schema

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "personas" / "schema.json"
PAGE = ROOT / "docs" / "personas.md"
BEGIN, END = "<!-- made by `python -m tools.persona_doc` -->", "<!-- as far as here -->"

SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The file", Persona),
    ("`speech`, `ears`, each of `minds`", Endpoint),
    ("`start_speaking_plan`", StartSpeakingPlan),
    ("`stop_speaking_plan`", StopSpeakingPlan),
    ("`message_plan`", MessagePlan),
    ("`limits`", Limits),
    ("`failure_plan`", FailurePlan),
    ("`memory`", Memory),
    ("`outbound`", Outbound),
)

KINDS = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def schema_text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def page(now: str) -> str:
    """The page with its tables made anew; all else is kept."""
    before, _, rest = now.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def tables() -> str:
    return "\n".join("\n".join(_section(title, model)) for title, model in SECTIONS)


def _section(title: str, model: type[BaseModel]) -> Iterator[str]:
    whole = model.model_json_schema()
    yield from (f"### {title}", "", "| key | takes | default | meaning |", "|---|---|---|---|")
    for name, field in whole["properties"].items():
        required = name in whole.get("required", ())
        default = "required" if required else _default(model, name)
        meaning = " ".join((model.model_fields[name].description or "").split())
        yield f"| `{name}` | {_takes(field)} | {default} | {meaning} |"
    yield ""


def _default(model: type[BaseModel], name: str) -> str:
    value = model.model_fields[name].get_default(call_default_factory=True)
    if value is None or value in ("", (), {}):
        return "none"
    if isinstance(value, BaseModel):
        return "below"
    return f"`{json.dumps(value)}`"


def _takes(field: dict[str, Any]) -> str:
    kinds = [each for each in field.get("anyOf", [field]) if each.get("type") != "null"]
    return " or ".join(_kind(each) for each in kinds)


def _kind(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return "keys"
    if "enum" in field:
        return "one of " + ", ".join(f"`{each}`" for each in field["enum"])
    match field["type"]:
        case "array":
            return f"list of {_takes(field['items'])}"
        case "object":
            return "keys"
        case kind:
            bounds = [f"{sign} {field[key]:,.10g}" for key, sign in BOUNDS.items() if key in field]
            return " ".join([KINDS[kind], ", ".join(bounds)]).strip()


def main() -> int:
    made = {SCHEMA: schema_text(), PAGE: page(PAGE.read_text())}
    if "--check" not in sys.argv:
        for path, text in made.items():
            path.write_text(text)
        return 0
    old = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    for path in old:
        print(
            f"{path.relative_to(ROOT)} is out of date: run `python -m tools.persona_doc`",
            file=sys.stderr,
        )
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
