"""`parley calls`, as typed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

from ledger.database import open_ledger
from ledger.tables import CallRow, ToolCallRow, TurnRow
from parley.cli import app
from tests.ledger.rows import call_values, turn_values

CALLER, OTHER = "+15550142424", "+15550143434"
CARD = "4111 1111 1111 1111"
NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=100)

Parley = Callable[..., Result]


def commands(folder: Path, **environment: str) -> Parley:
    env_file = folder / "env"
    env_file.write_text(
        "PARLEY_SIP_USERNAME=u\nPARLEY_SIP_PASSWORD=long-enough-secret\n"
        f"PARLEY_ENGINE_KEY={'k' * 16}\nLIVEKIT_API_KEY=key\nLIVEKIT_API_SECRET={'s' * 32}\n"
    )
    own = {"PARLEY_ENV_FILE": str(env_file), "PARLEY_RUN_DIR": str(folder)}
    settings = own | environment

    def parley(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["calls", *arguments], env=settings)

    return parley


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "old.ogg"
    file.write_bytes(b"sound")
    return file


@pytest.fixture
def parley(tmp_path: Path, recording: Path) -> Parley:
    """With an old call, a recent one, and one that goes on."""
    engine = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    over = {"outcome": "answered", "state": "ended", "end_reason": "caller hung up"}
    with Session(engine) as session, session.begin():
        old = {"started_at": LONG_AGO, "ended_at": LONG_AGO, "recording": str(recording)}
        session.add(CallRow(**call_values("old", from_number=OTHER, **over | old)))
        ended = NOW + timedelta(seconds=61)
        session.add(CallRow(**call_values("new", started_at=NOW, ended_at=ended, **over)))
        live = {"direction": "outbound", "from_number": "+15550100", "to_number": OTHER}
        session.add(CallRow(**call_values("live") | live | {"started_at": NOW, "seen_at": NOW}))
        session.flush()
        agent = {"role": "assistant", "latencies": {"e2e_latency": 0.81}, "interrupted": True}
        session.add(TurnRow(**turn_values(0, "new", at=NOW, text=f"It is {CARD}.")))
        session.add(
            TurnRow(**turn_values(1, "new", text="Thanks.", at=NOW + timedelta(seconds=2), **agent))
        )
        session.add(
            ToolCallRow(
                call_id="new", at=NOW + timedelta(seconds=1), tool="note", result="noted",
                arguments={"who": "Ann"}, seconds=0.25,
            )
        )  # fmt: skip
    engine.dispose()
    return commands(tmp_path)


def ids(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [call["id"] for call in json.loads(result.stdout)["calls"]]


def test_calls_are_listed_newest_first_without_their_numbers(parley: Parley) -> None:
    result = parley("list")
    assert result.exit_code == 0
    head, *lines = result.stdout.splitlines()
    assert head.split() == ["STARTED", "ID", "PERSONA", "WITH", "SECONDS", "OUTCOME", "WHY"]
    started = f"{NOW.astimezone():%Y-%m-%d %H:%M:%S}"
    assert lines[0].split() == [*started.split(), "live", "clerk", "…34", "0", "active"]
    assert lines[1].split()[2:] == ["new", "clerk", "…24", "61", "answered", "caller", "hung", "up"]
    assert CALLER in parley("list", "--numbers").stdout


def test_calls_are_filtered(parley: Parley) -> None:
    assert ids(parley("list", "--json")) == ["live", "new", "old"]
    assert ids(parley("list", "--json", "--since", "7d")) == ["live", "new"]
    assert ids(parley("list", "--json", "--before", f"{NOW - timedelta(1):%Y-%m-%d}")) == ["old"]
    assert ids(parley("list", "--json", "--outcome", "answered", "--limit", "1")) == ["new"]
    assert ids(parley("list", "--json", "--number", CALLER)) == ["new"]
    assert ids(parley("list", "--json", "--persona", "nobody")) == []


def test_a_call_is_shown_with_what_was_said_and_done_and_when(parley: Parley) -> None:
    result = parley("show", "new")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "new: inbound, clerk, answered",
        "from …24 to …00",
        f"{NOW.astimezone():%Y-%m-%d %H:%M:%S}, 61 s, heard 0.0 s, spoken 0.0 s",
        "    0.0  caller: It is [card].",
        "    1.0  note(who='Ann'): noted  (0.25 s)",
        "    2.0  agent: Thanks.  (cut off, after 0.81 s)",
    ]
    assert CARD in parley("show", "new", "--numbers").stdout
    assert json.loads(parley("show", "new", "--json").stdout)["turns"][0]["text"] == "It is [card]."


def test_a_call_that_is_not_there(parley: Parley) -> None:
    for command in ("show", "delete"):
        result = parley(command, "nobody's")
        assert result.exit_code == 1
        assert "no call nobody's: `parley calls list` names them" in result.stderr


def test_an_export_names_nobody_unless_asked_to(parley: Parley) -> None:
    for form in ("jsonl", "csv"):
        discreet = parley("export", "--format", form)
        assert discreet.exit_code == 0
        assert CARD not in discreet.stdout
        assert CALLER not in discreet.stdout
        assert CARD in parley("export", "--format", form, "--numbers").stdout
    lines = parley("export", "--since", "7d").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["live", "new"]


def test_one_call_is_erased(parley: Parley) -> None:
    assert parley("delete", "new").stdout == "new: erased\n"
    assert ids(parley("list", "--json")) == ["live", "old"]


def test_a_call_that_goes_on_is_not_erased(parley: Parley) -> None:
    result = parley("delete", "live")
    assert result.exit_code == 1
    assert result.stdout == "live: goes on, erase it when it is over\n"


def test_a_caller_is_erased_with_recordings(parley: Parley, recording: Path) -> None:
    result = parley("delete", "--caller", OTHER, "--yes", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["calls"], told["kept"], told["recordings_left"]) == (["old"], ["live"], [])
    assert not recording.exists()


def test_old_calls_are_erased_and_a_recording_elsewhere_is_named(
    parley: Parley, recording: Path
) -> None:
    recording.unlink()
    result = parley("delete", "--older-than", "90d", "--yes")
    assert result.stdout.splitlines() == [
        "old: erased",
        f"{recording}: not here, remove it where it lies",
    ]
    assert ids(parley("list", "--json")) == ["live", "new"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("delete",), "give one of ID, --caller and --older-than"),
        (("delete", "new", "--caller", CALLER), "give one of ID, --caller and --older-than"),
        (("delete", "--caller", CALLER), "add --yes"),
        (("delete", "--older-than", "90d"), "add --yes"),
        (("delete", "--older-than", "soon", "--yes"), "no period"),
        (("delete", "--caller", "0150", "--yes"), "no E.164 number"),
        (("list", "--since", "yesterday"), "neither a period"),
        (("list", "--outcome", "well"), "answered"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    parley: Parley, arguments: tuple[str, ...], why: str
) -> None:
    result = parley(*arguments)
    assert result.exit_code == 2
    assert why in " ".join(result.stderr.replace("│", " ").split())
    assert ids(parley("list", "--json")) == ["live", "new", "old"]


def test_a_call_whose_worker_died_is_closed(parley: Parley) -> None:
    assert json.loads(parley("reap", "--unseen", "1d", "--json").stdout) == {"closed": []}
    assert parley("reap", "--unseen", "0s").stdout == "live: closed\n"
    shown = json.loads(parley("show", "live", "--json").stdout)
    assert (shown["outcome"], shown["end_reason"]) == ("failed", "worker lost")


def test_a_ledger_that_cannot_be_used_is_said_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://parley:sesame@/ledger?host={tmp_path}"
    result = commands(tmp_path, PARLEY_LEDGER=url)("list")
    assert result.exit_code == 2
    assert "cannot be opened" in result.stderr
    assert "sesame" not in result.output


def test_settings_that_are_missing_are_said(tmp_path: Path) -> None:
    result = commands(tmp_path, PARLEY_ENV_FILE=str(tmp_path / "none"))("list")
    assert result.exit_code == 2
    assert "make setup" in result.stderr
