"""Numbers that lead to a scenario's agent, while it is rehearsed."""

import contextlib
from collections.abc import AsyncGenerator

import aiohttp
from livekit import api

from agent.call import CallRequest
from agent.config import AGENT_NAME
from parley.rehearse.sip_plan import Part
from parley.simulate import NotRunningError
from sip.simulate.stack import Stack


@contextlib.asynccontextmanager
async def door(stack: Stack, part: Part) -> AsyncGenerator[None]:
    """A trunk and a rule of its own, gone afterwards. Raises NotRunningError when LiveKit refuses them."""
    async with stack.client() as client:
        try:
            trunk = await client.sip.create_inbound_trunk(
                api.CreateSIPInboundTrunkRequest(
                    trunk=api.SIPInboundTrunkInfo(
                        name=part.persona,
                        numbers=[part.number],
                        auth_username=stack.sip_username,
                        auth_password=stack.sip_password.get_secret_value(),
                    )
                )
            )
            rule = await client.sip.create_dispatch_rule(
                api.CreateSIPDispatchRuleRequest(dispatch_rule=_rule(part, trunk.sip_trunk_id))
            )
        except (api.ServerError, aiohttp.ClientError) as error:
            raise NotRunningError(f"LiveKit refused a number to rehearse with: {error}") from error
        try:
            yield
        finally:
            await client.sip.delete_dispatch_rule(
                api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id)
            )
            await client.sip.delete_trunk(
                api.DeleteSIPTrunkRequest(sip_trunk_id=trunk.sip_trunk_id)
            )


def _rule(part: Part, trunk: str) -> api.SIPDispatchRuleInfo:
    request = CallRequest(
        direction="inbound", persona=part.persona, vars=part.scenario.vars, test=True
    )
    return api.SIPDispatchRuleInfo(
        name=part.persona,
        trunk_ids=[trunk],
        numbers=[part.number],
        rule=api.SIPDispatchRule(
            dispatch_rule_callee=api.SIPDispatchRuleCallee(room_prefix="call-", randomize=True)
        ),
        room_config=api.RoomConfiguration(
            agents=[api.RoomAgentDispatch(agent_name=AGENT_NAME, metadata=request.to_metadata())]
        ),
    )
