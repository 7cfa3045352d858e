"""`parley call`, as typed: who may not be called, and with what it cannot be done."""

import json
import sqlite3
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from parley.cli import app

OURS = "+12025550199"
THEIRS = "+12025550123"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a line, secrets and nothing that answers."""
    (tmp_path / "env").touch(mode=0o600)
    write(tmp_path)
    return tmp_path


def write(folder: Path, **outbound: object) -> None:
    line = {
        "public_host": "sip.example.com",
        "domain": "acme",
        "numbers": [{"number": OURS, "persona": "receptionist"}],
        "outbound": outbound,
    }
    (folder / "sip.yaml").write_text(yaml.safe_dump(line))


def call(folder: Path, number: str, *options: str, persona: str = "receptionist") -> Result:
    return parley(folder, "call", number, "--persona", persona, *options)


def parley(folder: Path, *arguments: str) -> Result:
    environment = {
        "PARLEY_ENV_FILE": str(folder / "env"),
        "PARLEY_RUN_DIR": str(folder / "run"),
        "PARLEY_SIP_FILE": str(folder / "sip.yaml"),
        "PARLEY_SIP_USERNAME": "caller",
        "PARLEY_SIP_PASSWORD": "p" * 24,
        "PARLEY_ENGINE_KEY": "k" * 24,
        "LIVEKIT_API_KEY": "APItest",
        "LIVEKIT_API_SECRET": "s" * 48,
        "LIVEKIT_URL": "ws://127.0.0.1:9",
    }
    return CliRunner().invoke(app, list(arguments), env=environment)


def rows(folder: Path) -> list[tuple[str, ...]]:
    """Who is in the queue, from whom, and how far it is."""
    database = sqlite3.connect(folder / "run" / "ledger.db")
    try:
        return database.execute("select to_number, from_number, state from dials").fetchall()
    finally:
        database.close()


def test_who_may_not_be_called_is_refused_by_rule_with_the_fix(folder: Path) -> None:
    (folder / "never.txt").write_text(f"{THEIRS}\n")
    write(folder, do_not_call="never.txt")
    for number, rule in {
        "112": "emergency",
        "+4930123456": "country",
        "+19005551234": "premium_rate",
        "2025550123": "format",
        "+1 202 555 0123": "do_not_call",
    }.items():
        result = call(folder, number)
        assert (result.exit_code, result.stdout.partition(":")[0]) == (2, "refused")
        assert result.stdout.startswith(f"refused: {rule}: ")
    assert not (folder / "run" / "ledger.db").exists()


def test_a_refusal_in_json(folder: Path) -> None:
    result = call(folder, "911", "--json")
    told = json.loads(result.stdout)
    assert (told["outcome"], told["rule"]) == ("refused", "emergency")


def test_outside_the_hours_it_is_refused_now_and_waits_in_the_queue(folder: Path) -> None:
    # One of these is more than an hour away, whatever the time.
    write(folder, hours={"opens": "12:00", "closes": "12:01", "timezone": "UTC"})
    refused = call(folder, THEIRS)
    if refused.exit_code == 1:  # it is noon
        write(folder, hours={"opens": "15:00", "closes": "15:01", "timezone": "UTC"})
        refused = call(folder, THEIRS)
    assert refused.exit_code == 2
    assert "refused: hours: outside the calling hours: wait until" in refused.stdout
    queued = call(folder, THEIRS, "--queue", "--json")
    assert queued.exit_code == 0
    assert json.loads(queued.stdout)["outcome"] == "queued"
    assert rows(folder) == [(THEIRS, OURS, "waiting")]


def test_what_waits_is_listed_without_numbers_and_can_be_cancelled(folder: Path) -> None:
    call(folder, THEIRS, "--queue")
    listed = parley(folder, "queue", "list")
    assert THEIRS not in listed.stdout
    (dial,) = json.loads(parley(folder, "queue", "list", "--numbers", "--json").stdout)["dials"]
    assert (dial["to"], dial["from"], dial["state"], dial["attempts"]) == (
        *(THEIRS, OURS),
        *("waiting", 0),
    )
    assert listed.stdout.startswith(dial["id"])
    cancelled = parley(folder, "queue", "cancel", dial["id"])
    assert (cancelled.exit_code, cancelled.stdout) == (0, f"cancelled {dial['id']}\n")
    assert parley(folder, "queue", "list").stdout == ""
    again = parley(folder, "queue", "cancel", dial["id"])
    assert again.exit_code == 1
    assert "does not wait" in again.output


def test_a_ledger_that_is_away_is_one_sentence(folder: Path) -> None:
    (folder / "run").mkdir()
    (folder / "run" / "ledger.db").write_text("no database at all, but words")
    for arguments in (("queue", "list"), ("call", THEIRS, "--persona", "receptionist")):
        result = parley(folder, *arguments)
        assert result.exit_code == 2
        assert "ledger" in result.output
        assert result.output.count("\n") == 1


def test_without_livekit_nobody_is_rung_and_it_is_said(folder: Path) -> None:
    result = call(folder, "+1 202-555-0123")
    assert result.exit_code == 1
    assert result.stdout.startswith("failed: LiveKit cannot be asked: ")
    assert rows(folder) == [(THEIRS, OURS, "done")]


@pytest.mark.parametrize(
    ("options", "persona", "sentence"),
    [
        (["--var", "name"], "receptionist", "give it as name=value"),
        (["--var", "shoe=42"], "receptionist", "has no variable 'shoe'"),
        ([], "nobody", "nobody.yaml: no such persona"),
        (["--file", "nowhere.yaml"], "receptionist", "nowhere.yaml is missing"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    folder: Path, options: list[str], persona: str, sentence: str
) -> None:
    result = call(folder, THEIRS, *options, persona=persona)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.replace("│", " ").split())


def test_we_call_from_our_own_numbers_alone(folder: Path) -> None:
    result = call(folder, THEIRS, "--from", THEIRS)
    assert result.exit_code == 2
    assert "caller_id: --from is none of our numbers" in result.stdout


def test_a_time_zone_that_is_nowhere_is_named(folder: Path) -> None:
    write(folder, hours={"timezone": "Mars/Base"})
    result = call(folder, THEIRS)
    assert result.exit_code == 2
    assert "there is no 'Mars/Base'" in result.output
