"""The JSON schema of persona files, for editors; the models are what counts."""

from typing import Any

from pydantic import TypeAdapter

from agent.persona.model import Persona
from agent.tools.declared import Declaration


def schema() -> dict[str, Any]:
    """Of the models as they are, the tools' kinds among them."""
    persona = Persona.model_json_schema()
    tool = TypeAdapter(Declaration).json_schema()
    defs = {**persona["$defs"], **tool.pop("$defs")}
    properties = persona["properties"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **persona,
        "title": "Parley persona",
        "properties": {**properties, "tools": {**properties["tools"], "items": tool}},
        "$defs": dict(sorted(defs.items())),
        "oneOf": [{"required": ["instructions"]}, {"required": ["instructions_file"]}],
    }
