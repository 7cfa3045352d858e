"""A call that is recorded and summed up: told first, heard meanwhile, kept whole, and in the ledger."""

import json
import shutil
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import yaml

from ledger.calls import Wanted, find_calls, read_call
from ledger.database import open_ledger
from parley.rehearse.command import PERSONAS
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import Switchboard
from tests.e2e.talk import ANSWER, QUESTION, talking
from tests.stack import Stack, parley_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

NOTICE = "I will call you back."
"""Words that the rehearsal voice has, and nobody says by chance."""
LOUD = 500


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recorded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("recorded")
    personas = folder / "personas"
    shutil.copytree(PERSONAS, personas)
    persona = personas / "receptionist.yaml"
    wanted = yaml.safe_load(persona.read_text()) | {
        "recording_plan": {"enabled": True, "format": "wav", "consent_message": NOTICE},
        "analysis_plan": {"summary": True},
    }
    persona.write_text(yaml.safe_dump(wanted))
    async with parley_up(folder, AGENT_PERSONAS=str(personas)) as stack:
        yield stack


def only_call(stack: Stack) -> dict[str, Any]:
    engine = open_ledger(f"sqlite:///{stack.folder / 'ledger.db'}")
    (row,) = find_calls(engine, Wanted())
    call = read_call(engine, row.id)
    engine.dispose()
    assert call is not None
    return call


async def test_a_recorded_call(recorded: Stack) -> None:
    line = line_to(recorded)
    async with talking(line) as talk:
        await talk.agent_speaks()
        await talk.say(QUESTION)  # into the notice
        await talk.hears(ANSWER)
        await talk.agent_is_quiet()
    async with Switchboard.open(recorded, line) as switchboard:
        await switchboard.until_idle()
    call = only_call(recorded)
    assert call["outcome"] == "answered"
    assert [turn["role"] for turn in call["turns"]].count("user") == 1
    assert ANSWER in call["turns"][-1]["text"]
    assert NOTICE not in json.dumps(call["turns"])
    assert call["summary"]
    sides = loud_seconds(Path(call["recording"]))
    assert sides["agent"] > 3.0


def loud_seconds(path: Path) -> dict[str, float]:
    """Of each side, in tenths of a second that are not silence."""
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    window = rate // 10
    whole = pcm[: len(pcm) // window * window].reshape(-1, window, 2).astype(float)
    loud = np.sqrt(np.mean(whole**2, axis=1)) > LOUD
    caller, agent = loud.sum(axis=0) / 10
    return {"caller": float(caller), "agent": float(agent)}
