"""A line on a real livekit-server and redis: made, made again, changed, lost, removed."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from livekit import api

from sip.changes import Change, SideError, StoppedError, apply
from sip.line import Line
from sip.livekit_side import LiveKitSide, for_line
from sip.reconcile import restore
from tests.livekit_server import Server, forget, livekit_server, outbound, rules, trunks

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

SECRETS = {"PARLEY_TRUNK_PASSWORD": "Aa1" * 8}
LINE = Line.model_validate(
    {
        "public_host": "sip.example.com",
        "domain": "acme",
        "numbers": [
            {"number": "+15550111", "persona": "receptionist"},
            {"number": "+15550122", "persona": "reminder", "max_call_seconds": 60},
        ],
    }
)
KINDS = ["inbound trunk", "inbound trunk", "outbound trunk", "dispatch rule", "dispatch rule"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with livekit_server(tmp_path_factory.mktemp("livekit")) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def livekit(server: Server) -> AsyncIterator[api.LiveKitAPI]:
    """Without any object."""
    async with server.client() as client:
        await forget(client)
        yield client


@pytest.fixture
def side(livekit: api.LiveKitAPI) -> LiveKitSide:
    return for_line(LINE, livekit, SECRETS)


async def applied(side: LiveKitSide) -> list[Change]:
    return [change async for change in apply(await side.plan())]


async def test_made_once_and_removed_once(side: LiveKitSide, livekit: api.LiveKitAPI) -> None:
    assert [change.kind for change in await applied(side)] == KINDS
    assert await side.plan() == []
    by_id = {trunk.sip_trunk_id: trunk.name for trunk in await trunks(livekit)}
    assert {rule.name: [by_id[id_] for id_ in rule.trunk_ids] for rule in await rules(livekit)} == {
        "parley main +15550111": ["parley main"],
        "parley main +15550122": ["parley main +15550122"],
    }
    async for _ in apply(await side.plan_destroy()):
        pass
    assert await side.plan_destroy() == []
    assert await trunks(livekit) == await outbound(livekit) == await rules(livekit) == []


async def test_what_somebody_changed_is_put_right_in_place(
    side: LiveKitSide, livekit: api.LiveKitAPI
) -> None:
    await applied(side)
    before = sorted(trunk.sip_trunk_id for trunk in await trunks(livekit))
    await livekit.sip.update_inbound_trunk_fields(before[0], allowed_addresses=["0.0.0.0/0"])
    (rule, _) = await rules(livekit)
    rule.numbers[:] = ["+15550199"]
    await livekit.sip.update_dispatch_rule(rule.sip_dispatch_rule_id, rule)
    assert [change.action for change in await applied(side)] == ["update", "update"]
    assert await side.plan() == []
    assert sorted(trunk.sip_trunk_id for trunk in await trunks(livekit)) == before


async def test_a_twin_of_ours_goes_and_others_stay(
    side: LiveKitSide, livekit: api.LiveKitAPI
) -> None:
    for name, number in (("parley main", "+15550133"), ("somebody's", "+15550144")):
        await livekit.sip.create_inbound_trunk(
            api.CreateSIPInboundTrunkRequest(
                trunk=api.SIPInboundTrunkInfo(name=name, numbers=[number])
            )
        )
    await applied(side)
    await applied(side)
    names = sorted(trunk.name for trunk in await trunks(livekit))
    assert names == ["parley main", "parley main +15550122", "somebody's"]


async def test_a_number_of_somebody_s_trunk_is_refused_before_anything_is_made(
    side: LiveKitSide, livekit: api.LiveKitAPI
) -> None:
    await livekit.sip.create_inbound_trunk(
        api.CreateSIPInboundTrunkRequest(
            trunk=api.SIPInboundTrunkInfo(name="somebody's", numbers=["+15550111"])
        )
    )
    with pytest.raises(SideError, match="somebody's"):
        await side.plan()
    assert await outbound(livekit) == []


async def test_two_operators_at_once_make_one_of_each(
    side: LiveKitSide, livekit: api.LiveKitAPI
) -> None:
    late = await side.plan()
    await applied(for_line(LINE, livekit, SECRETS))
    with pytest.raises(StoppedError, match="somebody changed it meanwhile") as stopped:
        async for _ in apply(late):
            pass
    assert (stopped.value.done, stopped.value.left) == (0, len(KINDS))
    assert len(await trunks(livekit)) == 2
    assert await side.plan() == []


async def test_what_another_operator_removed_meanwhile_is_no_failure_to_remove(
    side: LiveKitSide, livekit: api.LiveKitAPI
) -> None:
    await applied(side)
    removing = await side.plan_destroy()
    await forget(livekit)
    assert len([change async for change in apply(removing)]) == len(KINDS)


async def test_what_redis_lost_comes_back_and_the_rest_is_reported(
    side: LiveKitSide, livekit: api.LiveKitAPI
) -> None:
    await applied(side)
    trunk = next(each for each in await trunks(livekit) if each.name == "parley main")
    await livekit.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk.sip_trunk_id))
    rule = next(each for each in await rules(livekit) if each.name == "parley main +15550122")
    await livekit.sip.delete_dispatch_rule(
        api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id)
    )
    (other,) = await outbound(livekit)
    await livekit.sip.update_outbound_trunk_fields(other.sip_trunk_id, address="example.org")
    found = await restore(side)
    assert [(change.action, change.name) for change in found.lost] == [
        ("create", "parley main"),
        ("update", "parley main +15550111"),
        ("create", "parley main +15550122"),
    ]
    assert [change.kind for change in found.drift] == ["outbound trunk"]
    assert [change.kind for change in await side.plan()] == ["outbound trunk"]


async def test_all_comes_back_when_redis_lost_all(
    side: LiveKitSide, livekit: api.LiveKitAPI
) -> None:
    await applied(side)
    await forget(livekit)
    found = await restore(side)
    assert [change.kind for change in found.lost] == KINDS
    assert await side.plan() == []


async def test_a_wrong_key_is_said_as_such(server: Server) -> None:
    async with server.client("0" * 48) as client:
        with pytest.raises(SideError, match="LiveKit refuses the key: LIVEKIT_API_KEY"):
            await for_line(LINE, client, SECRETS).plan()


async def test_a_server_that_is_not_there_is_said_as_such() -> None:
    async with api.LiveKitAPI("ws://127.0.0.1:9", "key", "s" * 48) as client:
        with pytest.raises(SideError, match=r"cannot be reached .* LIVEKIT_URL"):
            await for_line(LINE, client, SECRETS).plan()
