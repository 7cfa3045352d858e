"""What import-linter cannot hold: the plugins lie in a namespace that is another's."""

import ast
import sys
from collections.abc import Iterator

import pytest

from parley.settings import ROOT

KNOWN = {"aiohttp", "livekit", "pydantic"}
"""Beside the standard library: what a plugin's distribution requires, or its requirements do."""


def imports_of(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from (f"{module}.{name.name}" for name in names)
            case ast.ImportFrom():
                yield "."


def strangers(source: str, engine: str) -> list[str]:
    """Imports that a plugin of this engine may not have."""
    shared = (f"{engine}.protocol", f"{engine}.resampling")
    allowed = KNOWN | sys.stdlib_module_names
    return [
        name
        for name in imports_of(source)
        if name.partition(".")[0] not in allowed
        and not any(f"{name}.".startswith(f"{module}.") for module in shared)
    ]


@pytest.mark.parametrize(
    ("plugin", "engine"), [("csm_tts", "csm_engine"), ("whisper_stt", "whisper_engine")]
)
def test_a_plugin_knows_its_engines_wire_and_sound_and_nothing_else_of_it(
    plugin: str, engine: str
) -> None:
    files = list((ROOT / "plugins" / plugin / "livekit" / "plugins" / plugin).rglob("*.py"))
    assert files
    assert {
        file.name: found for file in files if (found := strangers(file.read_text(), engine))
    } == {}


@pytest.mark.parametrize(
    "line",
    [
        "import csm_engine",
        "import csm_engine.model",
        "from csm_engine import session",
        "def f():\n    import numpy",
        "from parley_serving import Gate",
        "import whisper_engine.protocol",
    ],
)
def test_a_stranger_is_noticed(line: str) -> None:
    assert strangers(line, "csm_engine")
