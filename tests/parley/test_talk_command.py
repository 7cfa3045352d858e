"""`parley talk`, and who must sign in at the web server."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer import Typer
from typer.testing import CliRunner

from parley.ports import Ports
from parley.settings import BadSettingsError, Settings
from parley.talk import can_show, command, link
from parley.web_entry import LINKS, address, has_login, needs_no_login
from tests.stack import environment_for
from web.server.links import Links

PASSWORD = {"PARLEY_WEB_PASSWORD": "correct horse battery"}
PROVIDER = {
    "PARLEY_WEB_OIDC_ISSUER": "https://accounts.example.com",
    "PARLEY_WEB_OIDC_CLIENT_ID": "parley",
    "PARLEY_WEB_OIDC_CLIENT_SECRET": "secret",
    "PARLEY_WEB_OIDC_ALLOWED": "ann@example.com @example.org",
}
PUBLIC = {"PARLEY_WEB_PUBLIC_URL": "https://calls.example.com"}
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def settings(folder: Path, **given: str) -> Settings:
    return Settings.load(environment_for(folder, **given))


@pytest.mark.parametrize(
    ("given", "nobody_signs_in", "somebody_can"),
    [
        ({}, True, False),
        ({"PARLEY_WEB_HOST": "::1"}, True, False),
        ({"PARLEY_WEB_HOST": "0.0.0.0"}, False, False),
        (PUBLIC, False, False),
        (PASSWORD, False, True),
        (PROVIDER, False, True),
        (PASSWORD | PUBLIC, False, True),
    ],
)
def test_who_signs_in(
    tmp_path: Path, given: dict[str, str], nobody_signs_in: bool, somebody_can: bool
) -> None:
    known = settings(tmp_path, **given)
    assert needs_no_login(known) is nobody_signs_in
    assert has_login(known) is somebody_can


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"PARLEY_WEB_PASSWORD": "too short"}, "PARLEY_WEB_PASSWORD"),
        ({"PARLEY_WEB_OIDC_ISSUER": "https://accounts.example.com"}, "go together"),
        ({"PARLEY_WEB_OIDC_ALLOWED": "ann@example.com"}, "go together"),
        (PROVIDER | {"PARLEY_WEB_OIDC_ALLOWED": "ann"}, "PARLEY_WEB_OIDC_ALLOWED"),
        (PROVIDER | PASSWORD, "choose one"),
        ({"PARLEY_WEB_LIVEKIT_URL": "https://livekit.example.com"}, "PARLEY_WEB_LIVEKIT_URL"),
    ],
)
def test_a_login_that_is_half_set_up_is_refused(
    tmp_path: Path, given: dict[str, str], named: str
) -> None:
    with pytest.raises(BadSettingsError, match=named) as refused:
        settings(tmp_path, **given)
    assert "too short" not in str(refused.value)


def test_the_room_is_where_the_server_is(tmp_path: Path) -> None:
    known = settings(tmp_path, PARLEY_WEB_HOST="0.0.0.0", PARLEY_WEB_PORT="8090")
    assert address(known, Ports()) == "http://127.0.0.1:8090"
    six = settings(tmp_path, PARLEY_WEB_HOST="::1")
    assert address(six, Ports()) == "http://[::1]:8080"


def test_a_link_signs_in_only_where_one_must(tmp_path: Path) -> None:
    home = "http://127.0.0.1:8080"
    known = settings(tmp_path)
    assert link(known, home, None, NOW) == f"{home}/"
    assert link(known, home, "anna", NOW) == f"{home}/?persona=anna"
    guarded = settings(tmp_path, **PASSWORD)
    there = urlsplit(link(guarded, home, "anna", NOW))
    asked = parse_qs(there.query)
    assert (there.path, asked["persona"]) == ("/login/link", ["anna"])
    assert Links(guarded.run_dir / LINKS).take(asked["code"][0], NOW)


def test_a_browser_is_opened_where_there_is_a_screen() -> None:
    assert can_show({"WAYLAND_DISPLAY": "wayland-0"})
    assert can_show({"DISPLAY": ":0"})
    assert can_show({"DISPLAY": ""}) is (sys.platform == "darwin")


@pytest.mark.parametrize(
    ("words", "status", "fix"),
    [([], 1, "make run"), (["--persona", "nobody"], 2, "receptionist")],
)
def test_what_stands_in_the_way_is_said(
    tmp_path: Path, words: list[str], status: int, fix: str
) -> None:
    app = Typer()
    app.command()(command)
    ended = CliRunner().invoke(app, words, env=environment_for(tmp_path))
    assert (ended.exit_code, fix in ended.stderr) == (status, True)
