"""`parley simulate` before a call is made: what it refuses, and with which sentence and status."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from parley.cli import app

SECRETS = {
    "LIVEKIT_API_KEY": "APItest",
    "LIVEKIT_API_SECRET": "s" * 32,
    "PARLEY_SIP_USERNAME": "caller",
    "PARLEY_SIP_PASSWORD": "p" * 12,
    "PARLEY_ENGINE_KEY": "k" * 16,
}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Secrets in a file, and an empty run folder."""
    for name in (*SECRETS, "PARLEY_PORT_BASE"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "env"
    file.write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    monkeypatch.setenv("PARLEY_ENV_FILE", str(file))
    monkeypatch.setenv("PARLEY_RUN_DIR", str(tmp_path))
    return tmp_path


def simulate(*options: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *options])


def test_without_a_running_stack_it_says_how_to_start_one(environment: Path) -> None:
    result = simulate()
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "Parley is not running" in result.stderr
    assert "make run" in result.stderr


def test_without_secrets_it_says_who_writes_them(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_ENV_FILE", str(environment / "nowhere"))
    result = simulate()
    assert result.exit_code == 2
    assert "make setup" in result.stderr


def test_a_broken_stack_file_is_named(environment: Path) -> None:
    (environment / "stack.json").write_text('{"livekit_url": 1}')
    result = simulate()
    assert result.exit_code == 2
    assert "stack.json cannot be used" in result.stderr


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--say", " "], "nothing to say"),
        (["--script", "nowhere.yaml"], "nowhere.yaml"),
        (["--script", "a.yaml", "--say", "hello"], "--script says it all"),
        (["--calls", "0"], "--calls"),
        (["--barge-in", "0"], "--barge-in"),
        (["--record", "/nowhere/call.wav"], "no folder /nowhere"),
        (["--via", "pigeon"], "pigeon"),
    ],
)
def test_bad_options_are_refused_before_anything_is_dialled(
    environment: Path, options: list[str], complaint: str
) -> None:
    result = simulate(*options)
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_a_stack_that_is_gone_is_a_call_that_was_not_answered(environment: Path) -> None:
    """stack.json stayed behind, nothing listens."""
    facts = {
        "livekit_url": "ws://127.0.0.1:9",
        "sip_host": "127.0.0.1",
        "sip_port": 9,
        "number": "+15550100",
    }
    (environment / "stack.json").write_text(json.dumps(facts))
    result = simulate("--say", "hello", "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["answered"] is False
    assert report["problems"][0].startswith("the call was not answered")
