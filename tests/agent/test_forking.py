"""The process that calls are forked from is begun early, and calls have the worker's environment."""

import os
import pickle
import sys
from subprocess import run

import pytest

from agent.forking import InThisEnvironment

PREPARED = "a process that was prepared"


def prepare(where: dict[str, str]) -> None:
    where[PREPARED] = os.environ.get("PARLEY_TRIED", "not set")


def test_what_is_sent_is_done_in_the_senders_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_TRIED", "set after the other process began")
    sent = pickle.dumps(InThisEnvironment(prepare))
    monkeypatch.delenv("PARLEY_TRIED")
    monkeypatch.setenv("PARLEY_GONE", "was not there")
    found: dict[str, str] = {}
    pickle.loads(sent)(found)
    assert found == {PREPARED: "set after the other process began"}
    assert "PARLEY_GONE" not in os.environ


def test_what_begins_it_imports_nothing_that_takes_long() -> None:
    asked = "import sys, agent.forking; print(*sys.modules)"
    modules = run([sys.executable, "-c", asked], check=True, capture_output=True, text=True)
    assert "agent.forking" in modules.stdout.split()
    assert not {"livekit", "pydantic", "numpy", "asyncio"} & set(modules.stdout.split())
