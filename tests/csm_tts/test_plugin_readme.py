"""The README's examples run."""

import re
from pathlib import Path
from typing import Any

import pytest

import csm_engine
from tests.csm_tts.conftest import KEY, Engine

README = Path(csm_engine.__path__[0]).parent / "README.md"


@pytest.fixture
def examples() -> dict[str, Any]:
    """What the blocks of Python define, all in one module."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL):
        exec(block, names)
    return names


async def test_a_talk_without_a_session(examples: dict[str, Any], engine: Engine) -> None:
    await examples["talk"](engine.url, KEY)
    assert engine.model.spoken == ["Good morning.", "How can I help?", "Until five."]
    told = [message for message in engine.model.told if message[0] != "close"]
    assert [message[0] for message in told] == ["cut", "append"]
    assert told[0][2] == pytest.approx(0.24, abs=0.01)
    assert told[1] == ("append", "caller", "Are you open today?")
