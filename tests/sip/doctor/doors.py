"""Trunks, rules and calls for tests."""

from collections.abc import Sequence
from typing import Any

from livekit import api

from sip.doctor.matching import IncomingCall

OURS = "+15550100"
CALLER = "+15550111"
TWILIO = "54.172.60.1"
CALL = IncomingCall(called=OURS, calling=CALLER, source_ip=TWILIO)


def trunk(id_: str = "ST_a", **fields: Any) -> api.SIPInboundTrunkInfo:
    return api.SIPInboundTrunkInfo(sip_trunk_id=id_, name=id_.removeprefix("ST_"), **fields)


def direct(room: str = "room", pin: str = "") -> api.SIPDispatchRule:
    inner = api.SIPDispatchRuleDirect(room_name=room, pin=pin)
    return api.SIPDispatchRule(dispatch_rule_direct=inner)


def individual(prefix: str = "room", pin: str = "") -> api.SIPDispatchRule:
    inner = api.SIPDispatchRuleIndividual(room_prefix=prefix, pin=pin)
    return api.SIPDispatchRule(dispatch_rule_individual=inner)


def callee(prefix: str = "room", pin: str = "") -> api.SIPDispatchRule:
    inner = api.SIPDispatchRuleCallee(room_prefix=prefix, pin=pin, randomize=True)
    return api.SIPDispatchRule(dispatch_rule_callee=inner)


def rule(
    id_: str = "SDR_a",
    kind: api.SIPDispatchRule | None = None,
    *,
    agents: Sequence[str] = ("parley",),
    **fields: Any,
) -> api.SIPDispatchRuleInfo:
    return api.SIPDispatchRuleInfo(
        sip_dispatch_rule_id=id_,
        name=id_.removeprefix("SDR_"),
        rule=kind or callee(),
        room_config=api.RoomConfiguration(
            agents=[api.RoomAgentDispatch(agent_name=name) for name in agents]
        ),
        **fields,
    )
