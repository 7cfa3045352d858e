"""Trunks and rules on a real livekit-server."""

import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from livekit import api
from pydantic import SecretStr

from parley.parts import build_parts
from parley.ports import Ports
from parley.settings import ROOT, Settings
from parley.supervisor import Supervisor
from sip.trunks import InboundTrunk, ensure_dispatch_rule, ensure_inbound_trunk
from tests.stack import environment_for

pytestmark = pytest.mark.e2e

TRUNK = InboundTrunk("local", "+15550100", "caller", SecretStr("p" * 24))


@pytest.fixture
async def livekit(tmp_path: Path) -> AsyncIterator[api.LiveKitAPI]:
    """redis and livekit-server, nothing else."""

    async def nothing() -> None:
        """There is nothing to put back."""

    environment = environment_for(tmp_path)
    settings = Settings.load(environment)
    settings.run_dir.mkdir()
    ports = Ports.block(int(environment["PARLEY_PORT_BASE"]))
    # livekit-server loses a SIGTERM that comes within 0.1 s of its start.
    parts = [
        replace(part, stop_signal=signal.SIGKILL)
        for part in build_parts(settings, ports, environment, nothing)[:2]
    ]
    supervisor = Supervisor(parts, folder=ROOT, logs=settings.run_dir / "logs")
    async with (
        supervisor.running(),
        api.LiveKitAPI(
            ports.livekit_url,
            settings.livekit_api_key,
            settings.livekit_api_secret.get_secret_value(),
        ) as client,
    ):
        yield client


async def rule_for(livekit: api.LiveKitAPI, trunk_id: str, metadata: str = "{}") -> str:
    return await ensure_dispatch_rule(
        livekit.sip,
        name="local",
        trunk_id=trunk_id,
        number=TRUNK.number,
        agent="parley",
        metadata=metadata,
    )


async def trunks(livekit: api.LiveKitAPI) -> list[api.SIPInboundTrunkInfo]:
    return list((await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items)


async def rules(livekit: api.LiveKitAPI) -> list[api.SIPDispatchRuleInfo]:
    return list((await livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items)


async def test_a_second_run_changes_nothing(livekit: api.LiveKitAPI) -> None:
    trunk_id = await ensure_inbound_trunk(livekit.sip, TRUNK)
    rule_id = await rule_for(livekit, trunk_id)
    assert await ensure_inbound_trunk(livekit.sip, TRUNK) == trunk_id
    assert await rule_for(livekit, trunk_id) == rule_id
    assert [trunk.sip_trunk_id for trunk in await trunks(livekit)] == [trunk_id]
    assert [rule.sip_dispatch_rule_id for rule in await rules(livekit)] == [rule_id]


async def test_a_rule_takes_the_calls_of_its_trunk_and_number_alone(
    livekit: api.LiveKitAPI,
) -> None:
    trunk_id = await ensure_inbound_trunk(livekit.sip, TRUNK)
    await rule_for(livekit, trunk_id, metadata='{"version": 1}')
    (rule,) = await rules(livekit)
    assert list(rule.trunk_ids) == [trunk_id]
    assert list(rule.numbers) == ["+15550100"]
    assert rule.rule.dispatch_rule_callee.room_prefix == "call-"
    (agent,) = rule.room_config.agents
    assert (agent.agent_name, agent.metadata) == ("parley", '{"version": 1}')


async def test_what_somebody_changed_is_put_right(livekit: api.LiveKitAPI) -> None:
    trunk_id = await ensure_inbound_trunk(livekit.sip, TRUNK)
    await rule_for(livekit, trunk_id)
    await livekit.sip.update_inbound_trunk_fields(trunk_id, numbers=["+15550199"])
    await livekit.sip.update_dispatch_rule_fields(
        (await rules(livekit))[0].sip_dispatch_rule_id, trunk_ids=["ST_other"]
    )
    await ensure_inbound_trunk(livekit.sip, TRUNK)
    await rule_for(livekit, trunk_id)
    assert [list(trunk.numbers) for trunk in await trunks(livekit)] == [["+15550100"]]
    assert [list(rule.trunk_ids) for rule in await rules(livekit)] == [[trunk_id]]


async def test_a_new_password_replaces_the_old_one(livekit: api.LiveKitAPI) -> None:
    trunk_id = await ensure_inbound_trunk(livekit.sip, TRUNK)
    changed = InboundTrunk(TRUNK.name, TRUNK.number, TRUNK.username, SecretStr("n" * 24))
    assert await ensure_inbound_trunk(livekit.sip, changed) == trunk_id
    assert [trunk.auth_password for trunk in await trunks(livekit)] == ["n" * 24]


async def test_trunks_of_others_are_left_alone(livekit: api.LiveKitAPI) -> None:
    other = InboundTrunk("twilio", "+15550111", "other", SecretStr("o" * 24))
    other_id = await ensure_inbound_trunk(livekit.sip, other)
    await ensure_inbound_trunk(livekit.sip, TRUNK)
    assert other_id in [trunk.sip_trunk_id for trunk in await trunks(livekit)]


async def test_of_two_trunks_with_our_name_one_stays(livekit: api.LiveKitAPI) -> None:
    for number in ("+15550101", "+15550102"):
        await livekit.sip.create_inbound_trunk(
            api.CreateSIPInboundTrunkRequest(
                trunk=api.SIPInboundTrunkInfo(name=TRUNK.name, numbers=[number])
            )
        )
    trunk_id = await ensure_inbound_trunk(livekit.sip, TRUNK)
    assert [trunk.sip_trunk_id for trunk in await trunks(livekit)] == [trunk_id]
