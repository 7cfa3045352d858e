"""`parley sip`, as typed, and the sides behind it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from parley import sip_changes
from parley.cli import app
from parley.sip_changes import FailedError, Planned
from sip.changes import SECRET, Action, Change, SideError

NUMBER = {"number": "+15550111", "persona": "receptionist"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a line, secrets and nothing that answers."""
    env = tmp_path / "env"
    env.touch(mode=0o600)
    write(tmp_path)
    return tmp_path


def write(folder: Path, **given: object) -> None:
    line = {"public_host": "sip.example.com", "domain": "acme", "numbers": [NUMBER]}
    (folder / "sip.yaml").write_text(yaml.safe_dump(line | given))


def parley(folder: Path, *arguments: str, typed: str = "", **settings: str) -> Result:
    environment = {
        "PARLEY_ENV_FILE": str(folder / "env"),
        "PARLEY_RUN_DIR": str(folder / "run"),
        "PARLEY_SIP_FILE": str(folder / "sip.yaml"),
        "PARLEY_SIP_USERNAME": "caller",
        "PARLEY_SIP_PASSWORD": "p" * 24,
        "PARLEY_ENGINE_KEY": "k" * 24,
        "PARLEY_TRUNK_PASSWORD": "Aa1" * 8,
        "LIVEKIT_API_KEY": "APItest",
        "LIVEKIT_API_SECRET": "s" * 48,
        "LIVEKIT_URL": "ws://127.0.0.1:9",
        "TWILIO_ACCOUNT_SID": "",
    }
    return CliRunner().invoke(app, ["sip", *arguments], env=environment | settings, input=typed)


def test_plan_shows_changes_and_exits_2_and_apply_makes_them_once(folder: Path) -> None:
    planned = parley(folder, "plan", "--only", "bridge")
    assert planned.exit_code == 2
    assert "+ create file" in planned.output
    assert "1 change: `parley sip apply` makes them" in planned.output
    assert not (folder / "bridge.yaml").exists()
    applied = parley(folder, "apply", "--only", "bridge")
    assert (applied.exit_code, "bridge: created file" in applied.output) == (0, True)
    assert parley(folder, "plan", "--only", "bridge").output == "nothing to do\n"
    assert parley(folder, "apply", "--only", "bridge").output == "nothing to do\n"
    assert parley(folder, "plan", "--only", "bridge").exit_code == 0


def test_plan_in_json_says_what_is_and_what_shall_be(folder: Path) -> None:
    parley(folder, "apply", "--only", "bridge")
    write(folder, bridge={"sip_port": 5070})
    planned = parley(folder, "plan", "--only", "bridge", "--json")
    assert planned.exit_code == 2
    (change,) = json.loads(planned.output)["changes"]
    assert (change["side"], change["action"], change["kind"]) == ("bridge", "update", "file")
    assert change["fields"] == {"sip_port": {"is": "5060", "shall": "5070"}}


def test_the_bridge_is_led_to_the_livekit_that_is_named(folder: Path) -> None:
    elsewhere = {"LIVEKIT_URL": "wss://livekit.example.com", "LIVEKIT_REDIS": "redis:6379"}
    parley(folder, "apply", "--only", "bridge", **elsewhere)
    bridge = yaml.safe_load((folder / "bridge.yaml").read_text())
    assert bridge["ws_url"] == "wss://livekit.example.com"
    assert bridge["redis"] == {"address": "redis:6379"}


def test_destroy_asks_and_a_no_leaves_all(folder: Path) -> None:
    parley(folder, "apply", "--only", "bridge")
    refused = parley(folder, "destroy", "--only", "bridge", typed="n\n")
    assert (refused.exit_code, (folder / "bridge.yaml").exists()) == (1, True)
    assert parley(folder, "destroy", "--only", "bridge", "--yes").exit_code == 0
    assert not (folder / "bridge.yaml").exists()
    assert parley(folder, "destroy", "--only", "bridge").exit_code == 0


def test_status_says_which_side_is_as_the_file_says_and_who_answers(folder: Path) -> None:
    before = parley(folder, "status", "--only", "bridge")
    assert before.exit_code == 2
    parley(folder, "apply", "--only", "bridge")
    after = parley(folder, "status", "--only", "bridge")
    assert (after.exit_code, after.output) == (
        0,
        "bridge: as sip.yaml says\n+15550111: receptionist\n",
    )


def test_status_names_each_side_that_cannot_be_read_and_reads_the_others(folder: Path) -> None:
    status = parley(folder, "status", "--json")
    assert status.exit_code == 1
    sides = json.loads(status.output)["sides"]
    assert sides["bridge"] == {"changes": 1}
    assert "LiveKit cannot be reached" in sides["livekit"]["error"]
    assert "TWILIO_ACCOUNT_SID" in sides["twilio"]["error"]


def test_an_unreachable_livekit_changes_nothing_anywhere(folder: Path) -> None:
    applied = parley(folder, "apply")
    assert applied.exit_code == 1
    assert "livekit: LiveKit cannot be reached" in applied.output
    assert not (folder / "bridge.yaml").exists()
    assert not (folder / "run" / "sip.applied.yaml").exists()


def test_a_file_of_secrets_that_others_may_read_is_refused(folder: Path) -> None:
    (folder / "env").chmod(0o640)
    planned = parley(folder, "plan", "--only", "bridge")
    assert planned.exit_code == 1
    assert f"chmod 600 {folder}/env" in planned.output


def test_no_file_of_secrets_is_open_to_nobody(folder: Path) -> None:
    """As in the images, whose secrets are all in the environment."""
    assert parley(folder, "plan", "--only", "bridge", PARLEY_ENV_FILE="/dev/null").exit_code == 2


def test_a_missing_file_is_said_with_where_to_begin(folder: Path) -> None:
    planned = parley(folder, "plan", "--file", str(folder / "other.yaml"))
    assert planned.exit_code == 1
    assert "other.yaml is missing: sip.example.yaml" in planned.output


def test_a_bad_line_is_said_with_its_place(folder: Path) -> None:
    write(folder, secure=True)
    planned = parley(folder, "plan")
    assert planned.exit_code == 1
    assert "secure: needs transport: tls" in planned.output


def test_a_persona_that_is_not_there_is_refused_before_anything_is_made(folder: Path) -> None:
    write(folder, numbers=[NUMBER | {"persona": "nobody"}])
    applied = parley(folder, "apply", "--only", "bridge")
    assert applied.exit_code == 1
    assert "nobody.yaml: no such persona" in applied.output
    assert not (folder / "bridge.yaml").exists()


def test_the_trunk_s_password_is_asked_for_by_its_name(folder: Path) -> None:
    write(folder, credentials={"password": "OTHER_PASSWORD"})
    planned = parley(folder, "plan", "--only", "livekit")
    assert (planned.exit_code, "livekit: OTHER_PASSWORD" in planned.output) == (1, True)


def test_the_firewall_s_rules_are_printed(folder: Path) -> None:
    assert "table inet parley_main {" in parley(folder, "firewall").output
    assert parley(folder, "firewall", "--as", "ufw").output.startswith("ufw allow proto tcp from ")


class Side:
    """Things by name; `broken` fails to be changed, and a side with `unread` to be read."""

    def __init__(self, name: str, *things: str, broken: str = "", unread: str = "") -> None:
        self.name = name
        self.things = things
        self.made: list[str] = []
        self._broken = broken
        self._unread = unread

    async def plan(self) -> Sequence[Change]:
        if self._unread:
            raise SideError(self._unread)
        return [self._change("create", thing) for thing in self.things if thing not in self.made]

    async def plan_destroy(self) -> Sequence[Change]:
        return [self._change("delete", thing) for thing in reversed(self.made)]

    def _change(self, action: Action, thing: str) -> Change:
        async def do() -> None:
            if thing == self._broken:
                raise SideError("the disk is full")
            if action == "create":
                self.made.append(thing)
            else:
                self.made.remove(thing)

        return Change(action, "thing", thing, do, {"password": (None, SECRET)})


async def done(planned: Sequence[Planned]) -> list[str]:
    return [line async for line in sip_changes.do(planned)]


async def test_sides_are_made_in_order_and_removed_in_reverse() -> None:
    sides = [Side("one", "a", "b"), Side("two", "c")]
    assert await done(await sip_changes.plan(sides)) == [
        "one: created thing 'a'",
        "one: created thing 'b'",
        "two: created thing 'c'",
    ]
    assert await sip_changes.plan(sides) == []
    assert await done(await sip_changes.plan_destroy(sides)) == [
        "two: deleted thing 'c'",
        "one: deleted thing 'b'",
        "one: deleted thing 'a'",
    ]


@pytest.mark.parametrize(
    ("broken", "counts"),
    [("a", "0 done, 3 left"), ("b", "1 done, 2 left"), ("c", "2 done, 1 left")],
)
async def test_the_first_failure_stops_and_the_next_run_goes_on(broken: str, counts: str) -> None:
    sides = [Side("one", "a", "b", broken=broken), Side("two", "c", broken=broken)]
    side = "two" if broken == "c" else "one"
    with pytest.raises(FailedError, match=rf"{side}: create thing '{broken}': .* \({counts}"):
        await done(await sip_changes.plan(sides))
    before = {thing for side in sides for thing in side.made}
    repaired = [Side(side.name, *side.things) for side in sides]
    for old, new in zip(sides, repaired, strict=True):
        new.made = old.made
    assert len(await done(await sip_changes.plan(repaired))) == 3 - len(before)


async def test_a_side_that_cannot_be_read_stops_all_before_any_change() -> None:
    first = Side("one", "a")
    with pytest.raises(FailedError, match="two: no key"):
        await sip_changes.plan([first, Side("two", unread="no key")])
    assert first.made == []


async def test_a_plan_is_shown_by_side_with_its_fields() -> None:
    planned = await sip_changes.plan([Side("one", "a", "b"), Side("two", "c")])
    assert sip_changes.show(planned).splitlines() == [
        "one:",
        "  + create thing 'a'",
        "      password: (secret)",
        "  + create thing 'b'",
        "      password: (secret)",
        "two:",
        "  + create thing 'c'",
        "      password: (secret)",
    ]
