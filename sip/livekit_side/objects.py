"""What a line asks of LiveKit, as LiveKit's own messages. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.protocol.sip import (
    SIP_MEDIA_ENCRYPT_REQUIRE,
    SIP_TRANSPORT_TCP,
    SIP_TRANSPORT_TLS,
    SIP_TRANSPORT_UDP,
    SIP_X_HEADERS,
    SIPTransport,
)
from pydantic import SecretStr

from agent.call import CallRequest
from agent.config import AGENT_NAME
from sip.changes import SideError
from sip.line import PREFIX, Line, Number
from sip.twilio_networks import SIGNALLING

LOCAL = f"{PREFIX} local"
"""The trunk of `parley up`, which no line may be called."""

HEADERS = {"Diversion": "sip.h.diversion"}
"""Who forwarded the call to us. Headers that begin with X- become attributes by themselves."""

TRANSPORTS: Mapping[str, SIPTransport] = {
    "udp": SIP_TRANSPORT_UDP,
    "tcp": SIP_TRANSPORT_TCP,
    "tls": SIP_TRANSPORT_TLS,
}


@dataclass(frozen=True)
class Rule:
    """A dispatch rule; its trunk is known by name until there is an id."""

    info: api.SIPDispatchRuleInfo
    trunk: str


@dataclass(frozen=True)
class Wanted:
    """All that is `title`'s: what bears that name, alone or with a word after it."""

    title: str
    inbound: Sequence[api.SIPInboundTrunkInfo] = ()
    outbound: Sequence[api.SIPOutboundTrunkInfo] = ()
    rules: Sequence[Rule] = ()

    def owns(self, name: str) -> bool:
        return name == self.title or name.startswith(f"{self.title} ")


def objects_of(line: Line, password: SecretStr) -> Wanted:
    """Raises `SideError` when the line's name is taken by `parley up`."""
    if line.title == LOCAL:
        raise SideError("name: the local trunk of `parley up` is called so: choose another name")
    trunks = {number.number: _trunk_name(line, number) for number in line.numbers}
    return Wanted(
        line.title,
        [_inbound(line, name, password) for name in sorted(set(trunks.values()))],
        [_outbound(line, password)] if line.mode == "trunk" else [],
        [_rule(line, number, trunks[number.number]) for number in line.numbers],
    )


def inbound_trunk(
    name: str, numbers: Sequence[str], credentials: tuple[str, SecretStr] | None
) -> api.SIPInboundTrunkInfo:
    """Calls to `numbers`, from whoever has the digest credentials (user and password)."""
    trunk = api.SIPInboundTrunkInfo(name=name, numbers=numbers)
    if credentials:
        trunk.auth_username = credentials[0]
        trunk.auth_password = credentials[1].get_secret_value()
    return trunk


def rule(name: str, trunk: str, number: str, persona: str, callers: Sequence[str] = ()) -> Rule:
    """A room of its own for each call of the trunk to `number`, with the agent called into it.

    Trunk and number are always named: a rule without them takes the calls of any trunk, and of
    none (livekit/protocol, sip.go). The room is named after the called number: an individual rule
    would put the caller's into every log line that names the room. `callers` are all, if none.
    """
    request = CallRequest(direction="inbound", persona=persona)
    info = api.SIPDispatchRuleInfo(
        name=name,
        numbers=[number],
        inbound_numbers=callers,
        rule=api.SIPDispatchRule(
            dispatch_rule_callee=api.SIPDispatchRuleCallee(room_prefix="call-", randomize=True)
        ),
        room_config=api.RoomConfiguration(
            agents=[api.RoomAgentDispatch(agent_name=AGENT_NAME, metadata=request.to_metadata())]
        ),
    )
    return Rule(info, trunk)


def _trunk_name(line: Line, number: Number) -> str:
    """A call's longest duration is the trunk's, so a number with a shorter one needs its own."""
    longest = max(each.max_call_seconds for each in line.numbers)
    return line.title if number.max_call_seconds == longest else f"{line.title} {number.number}"


def _inbound(line: Line, name: str, password: SecretStr) -> api.SIPInboundTrunkInfo:
    numbers = [number for number in line.numbers if _trunk_name(line, number) == name]
    trunk = inbound_trunk(
        name,
        [number.number for number in numbers],
        # Twilio answers no challenge when it sends a trunk's calls, and does for <Dial><Sip>.
        (line.credentials.username, password) if line.mode == "twiml" else None,
    )
    if line.mode == "trunk":
        trunk.allowed_addresses.extend(str(network) for network in SIGNALLING.values())
    trunk.max_call_duration.CopyFrom(Duration(seconds=numbers[0].max_call_seconds))
    trunk.headers_to_attributes.update(HEADERS)
    trunk.include_headers = SIP_X_HEADERS
    if line.secure:
        trunk.media.encryption = SIP_MEDIA_ENCRYPT_REQUIRE
    return trunk


def _outbound(line: Line, password: SecretStr) -> api.SIPOutboundTrunkInfo:
    others = [each.number for each in line.numbers if each.number != line.caller_id]
    trunk = api.SIPOutboundTrunkInfo(
        name=line.title,
        address=line.termination_host,
        transport=TRANSPORTS[line.transport],
        numbers=[line.caller_id, *others],
        auth_username=line.credentials.username,
        auth_password=password.get_secret_value(),
    )
    if line.secure:
        trunk.media.encryption = SIP_MEDIA_ENCRYPT_REQUIRE
    return trunk


def _rule(line: Line, number: Number, trunk: str) -> Rule:
    name = f"{line.title} {number.number}"
    return rule(name, trunk, number.number, number.persona, number.allowed_callers)
