"""The worker by hand: what it is told, and how `parley up` leaves it out."""

from pathlib import Path

import pytest

from parley.settings import BadSettingsError
from parley.up import up
from parley.worker import worker_environment
from tests.parley.test_settings import GOOD
from tests.stack import environment_for


def test_it_is_told_where_the_parts_are_and_no_secret_that_is_not_its_own() -> None:
    told = worker_environment(GOOD | {"PARLEY_PORT_BASE": "20000", "CSM_LISTEN__KEY": "theirs"})
    assert told["LIVEKIT_URL"] == "ws://127.0.0.1:20001"
    assert told["AGENT_TTS__URL"] == "http://127.0.0.1:20021"
    assert told["AGENT_TTS__KEY"] == GOOD["PARLEY_ENGINE_KEY"]
    assert [name for name in told if name.startswith(("PARLEY_", "CSM_"))] == []


def test_its_health_server_is_in_nobodys_way() -> None:
    assert worker_environment(GOOD)["AGENT_HEALTH_PORT"] == "0"


def test_it_is_refused_what_parley_up_refuses() -> None:
    with pytest.raises(BadSettingsError, match="no such persona"):
        worker_environment(GOOD | {"PARLEY_PERSONA": "nobody"})


def test_a_part_that_there_is_not_cannot_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment_for(tmp_path).items():
        monkeypatch.setenv(name, value)
    assert up(["phone"]) == 2
    assert capsys.readouterr().err.startswith("parley: --without phone: the parts are csm, ")
