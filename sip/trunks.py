"""The trunks and dispatch rules that LiveKit keeps: made so that a second run changes nothing.

Objects are known by name. A rule always names its trunk and its numbers: a rule without them takes
the calls of any trunk, and of none (livekit/protocol, sip.go).
"""

from dataclasses import dataclass

from livekit import api
from livekit.api.sip_service import SipService
from pydantic import SecretStr


@dataclass(frozen=True)
class InboundTrunk:
    """Calls to `number` are taken from whoever has the digest credentials."""

    name: str
    number: str
    username: str
    password: SecretStr


async def ensure_inbound_trunk(sip: SipService, trunk: InboundTrunk) -> str:
    """Returns the trunk's id. Raises `api.TwirpError` when LiveKit refuses."""
    wanted = api.SIPInboundTrunkInfo(
        name=trunk.name,
        numbers=[trunk.number],
        auth_username=trunk.username,
        auth_password=trunk.password.get_secret_value(),
    )
    listed = await sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
    mine = [info.sip_trunk_id for info in listed.items if info.name == trunk.name]
    for extra in mine[1:]:
        await sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=extra))
    if mine:
        return (await sip.update_inbound_trunk(mine[0], wanted)).sip_trunk_id
    made = await sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=wanted))
    return made.sip_trunk_id


async def ensure_dispatch_rule(
    sip: SipService, *, name: str, trunk_id: str, number: str, agent: str, metadata: str
) -> str:
    """A room of its own for each call of the trunk, with `agent` called into it.

    The room is named after the called number: an individual rule would put the caller's into every
    log line that names the room. `metadata` is the `CallRequest` that the agent gets. Returns the
    rule's id.
    """
    wanted = api.SIPDispatchRuleInfo(
        name=name,
        trunk_ids=[trunk_id],
        numbers=[number],
        rule=api.SIPDispatchRule(
            dispatch_rule_callee=api.SIPDispatchRuleCallee(room_prefix="call-", randomize=True)
        ),
        room_config=api.RoomConfiguration(
            agents=[api.RoomAgentDispatch(agent_name=agent, metadata=metadata)]
        ),
    )
    listed = await sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
    mine = [info.sip_dispatch_rule_id for info in listed.items if info.name == name]
    for extra in mine[1:]:
        await sip.delete_dispatch_rule(api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=extra))
    if mine:
        return (await sip.update_dispatch_rule(mine[0], wanted)).sip_dispatch_rule_id
    made = await sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=wanted))
    return made.sip_dispatch_rule_id
