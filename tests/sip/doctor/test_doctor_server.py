"""The doctor on a whole stack: healthy, and with one thing wrong at a time."""

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml
from livekit import api
from pydantic import SecretStr

from parley.doctor import Asked, examined
from sip.changes import apply
from sip.doctor import livekit
from sip.doctor.finding import Examination, Finding, Reporter, Verdict
from sip.doctor.loopback import NAME
from sip.line import Line
from sip.livekit_side import LOCAL, for_line, inbound_trunk
from tests.e2e.switchboard import until
from tests.stack import Stack, parley_up

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
]

OURS = "+14155550100"
PASSWORD = {"PARLEY_TRUNK_PASSWORD": "Correct-Horse-77"}
SIP_YAML = {
    "public_host": "127.0.0.1",
    "domain": "acme",
    "bridge": {"rtp_ports": "40000-40999"},
    "numbers": [{"number": OURS, "persona": "receptionist"}],
}
TWILIOS = ("settings", "Twilio", "addresses")
"""Checks that fail here: there is no account, and nobody outside reaches 127.0.0.1."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("doctor")
    (folder / "env").touch(mode=0o600)
    async with parley_up(folder) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(stack: Stack) -> AsyncIterator[api.LiveKitAPI]:
    async with stack.livekit() as livekit_client:
        yield livekit_client


@pytest_asyncio.fixture(loop_scope="module")
async def line(tmp_path: Path, client: api.LiveKitAPI) -> AsyncIterator[Path]:
    """A line whose LiveKit half is made; the path of its sip.yaml."""
    path = tmp_path / "sip.yaml"
    path.write_text(yaml.safe_dump(SIP_YAML))
    side = for_line(Line.read(path), client, PASSWORD)
    async for _ in apply(await side.plan()):
        pass
    yield path
    async for _ in apply(await side.plan_destroy()):
        pass


def by_check(found: Examination) -> dict[str, Finding]:
    return {each.check: each for each in found.findings}


def failures(found: Examination) -> list[str]:
    return [each.check for each in found.findings if each.verdict is Verdict.FAILED]


async def trunks(client: api.LiveKitAPI) -> list[str]:
    listed = await client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
    return [trunk.name for trunk in listed.items]


async def test_right_after_make_run_all_is_well(stack: Stack) -> None:
    """As people type it; the call is a real one."""
    command = ("-m", "parley", "sip", "doctor", "--json")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=stack.environment, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    told = json.loads(out)
    assert {each["check"]: each["verdict"] for each in told["findings"]} == dict.fromkeys(
        (
            *("settings", "SIP port", "RTP ports", "LiveKit", "doors", "trunk", "rule"),
            *("worker", "hearing", "thinking", "speaking", "versions", "call"),
        ),
        "ok",
    )
    assert told["trouble"] is None
    assert process.returncode == 0
    for secret in ("PARLEY_SIP_PASSWORD", "PARLEY_ENGINE_KEY", "LIVEKIT_API_SECRET"):
        assert stack.environment[secret].encode() not in out


async def test_a_line_is_called_by_a_door_that_is_gone_afterwards(
    stack: Stack, line: Path, client: api.LiveKitAPI
) -> None:
    """What a doctor left that was killed goes with it."""
    left = inbound_trunk(NAME, ["+15550190001"], ("doctor", SecretStr("p" * 24)))
    await client.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=left))
    found = await examined(stack.environment | PASSWORD, Asked(), line)
    seen = by_check(found)
    assert seen["trunk"].verdict is Verdict.OK, seen["trunk"].says
    assert seen["rule"].verdict is Verdict.OK
    assert seen["call"].verdict is Verdict.OK, seen["call"].says
    assert set(failures(found)) <= set(TWILIOS)
    assert sorted(await trunks(client)) == [LOCAL, "parley main"]


async def test_an_address_that_is_not_twilios_finds_no_trunk(stack: Stack, line: Path) -> None:
    found = await examined(stack.environment | PASSWORD, Asked(ip="192.0.2.9"), line)
    seen = by_check(found)
    assert seen["trunk"].verdict is Verdict.FAILED
    assert "allowed_addresses" in seen["trunk"].says
    assert seen["call"].verdict is Verdict.SKIPPED


async def test_an_open_rule_is_found(stack: Stack, client: api.LiveKitAPI) -> None:
    open_rule = api.SIPDispatchRuleInfo(
        name="open",
        rule=api.SIPDispatchRule(
            dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name="open house")
        ),
    )
    request = api.CreateSIPDispatchRuleRequest(dispatch_rule=open_rule)
    made = await client.sip.create_dispatch_rule(request)
    try:
        found = await examined(stack.environment, Asked(to="+14155550199"))
    finally:
        await client.sip.delete_dispatch_rule(
            api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=made.sip_dispatch_rule_id)
        )
    seen = by_check(found)
    assert seen["doors"].verdict is Verdict.FAILED
    assert "'open'" in seen["doors"].says


async def test_a_wrong_secret_is_told_from_a_livekit_that_is_not_there(stack: Stack) -> None:
    wrong = {"LIVEKIT_API_SECRET": secrets.token_hex(24)}
    found = await examined(stack.environment | wrong, Asked())
    seen = by_check(found)
    assert "refuses our key" in seen["LiveKit"].says
    assert seen["call"].verdict is Verdict.SKIPPED
    assert wrong["LIVEKIT_API_SECRET"] not in found.page()


async def test_a_worker_is_found_by_calling_it(stack: Stack, client: api.LiveKitAPI) -> None:
    report = Reporter("worker")
    metadata = '{"direction": "room", "test": true}'

    async def found() -> bool:
        """A worker that is busy may take more than the doctor's patience."""
        return (await livekit.worker(report, client, "parley", metadata)).verdict is Verdict.OK

    await until(found)
    missing = await livekit.worker(report, client, "nobody", metadata)
    assert missing.verdict is Verdict.FAILED
    assert "no worker" in missing.says
    rooms = await client.room.list_rooms(api.ListRoomsRequest())
    assert not [room for room in rooms.rooms if room.name.startswith("doctor-")]


async def test_a_call_that_is_not_answered_says_why(stack: Stack) -> None:
    """The bridge has another password than we: it refuses the call, all else is well."""
    wrong = {"PARLEY_SIP_PASSWORD": "w" * 12}
    found = await examined(stack.environment | wrong, Asked())
    assert failures(found) == ["call"]
    assert "not answered" in by_check(found)["call"].says
