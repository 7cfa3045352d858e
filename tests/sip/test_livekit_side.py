"""What a line asks of LiveKit, and what is planned for what LiveKit has. No server."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from livekit import api
from pydantic import SecretStr

from agent.call import CallRequest
from sip.changes import SECRET, SideError
from sip.line import Line
from sip.livekit_side import GONE, TRUNK, Wanted, for_line, objects_of
from sip.livekit_side.planning import Found, Info, Step, plan, plan_destroy

ONE = {"number": "+15550111", "persona": "receptionist"}
TWO = {"number": "+15550122", "persona": "reminder"}
PASSWORD = SecretStr("Aa1" * 8)


def line(**given: Any) -> Line:
    return Line.model_validate(
        {"public_host": "sip.example.com", "domain": "acme", "numbers": [ONE]} | given
    )


def wanted(**given: Any) -> Wanted:
    return objects_of(line(**given), PASSWORD)


def made(steps: Sequence[Step], found: Found | None = None) -> Found:
    """LiveKit after the steps, as a server that does what it is told."""
    found = found or Found()
    kinds: dict[str, dict[str, Info]] = {
        "inbound trunk": {each.sip_trunk_id: each for each in found.inbound},
        "outbound trunk": {each.sip_trunk_id: each for each in found.outbound},
        "dispatch rule": {each.sip_dispatch_rule_id: each for each in found.rules},
    }
    for step in steps:
        kept = kinds[step.kind]
        if step.action == "delete":
            del kept[step.id]
            continue
        info = type(step.info)()  # type: ignore[misc]  # every step but a deletion has one
        info.CopyFrom(step.info)  # type: ignore[arg-type]
        id_ = step.id or f"{step.kind} {step.name}"
        if isinstance(info, api.SIPDispatchRuleInfo):
            info.sip_dispatch_rule_id = id_
            trunks = kinds["inbound trunk"]
            info.trunk_ids[:] = [key for key, each in trunks.items() if each.name == step.trunk]
        else:
            info.sip_trunk_id = id_
        kept[id_] = info
    inbound, outbound, rules = (list(kept.values()) for kept in kinds.values())
    return Found(inbound, outbound, rules)  # type: ignore[arg-type]


def steps_of(wanted: Wanted, found: Found) -> list[tuple[str, str, str]]:
    return [(step.action, step.kind, step.name) for step in plan(wanted, found).steps]


def test_an_empty_server_gets_trunks_before_the_rules_that_name_them() -> None:
    assert steps_of(wanted(numbers=[ONE, TWO]), Found()) == [
        ("create", "inbound trunk", "parley main"),
        ("create", "outbound trunk", "parley main"),
        ("create", "dispatch rule", "parley main +15550111"),
        ("create", "dispatch rule", "parley main +15550122"),
    ]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"numbers": [ONE, TWO], "edge": "frankfurt", "name": "acme"},
        {"numbers": [ONE | {"allowed_callers": ["+15550188"]}, TWO | {"max_call_seconds": 60}]},
        {"mode": "twiml", "voice_url": "https://example.com/twiml"},
    ],
)
def test_what_was_made_is_left_as_it_is(given: dict[str, Any]) -> None:
    want = wanted(**given)
    found = made(plan(want, Found()).steps)
    assert steps_of(want, found) == []


def test_calls_are_taken_from_twilio_alone_and_by_address() -> None:
    (trunk,) = wanted().inbound
    assert "54.172.60.0/30" in trunk.allowed_addresses
    assert all("/" in address for address in trunk.allowed_addresses)
    assert (trunk.auth_username, trunk.auth_password) == ("", "")
    assert trunk.max_call_duration.seconds == 3600


def test_in_twiml_mode_the_caller_shows_a_password_and_we_place_no_calls() -> None:
    want = wanted(mode="twiml", voice_url="https://example.com/twiml")
    (trunk,) = want.inbound
    assert list(trunk.allowed_addresses) == []
    assert (trunk.auth_username, trunk.auth_password) == ("parley", PASSWORD.get_secret_value())
    assert want.outbound == []


def test_a_secure_line_takes_and_places_encrypted_calls_alone() -> None:
    bridge = {"certificate": "/etc/parley/cert.pem", "key": "/etc/parley/key.pem"}
    want = wanted(transport="tls", secure=True, bridge=bridge)
    (inbound,), (outbound,) = want.inbound, want.outbound
    required = api.SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE
    assert inbound.media.encryption == outbound.media.encryption == required
    assert outbound.transport == api.SIPTransport.SIP_TRANSPORT_TLS
    assert not wanted().inbound[0].media.HasField("encryption")


def test_our_calls_go_to_the_termination_and_show_the_number_of_outbound_first() -> None:
    (trunk,) = wanted(numbers=[ONE, TWO], edge="dublin", outbound={"from": "+15550122"}).outbound
    assert trunk.address == "acme.pstn.dublin.twilio.com"
    assert list(trunk.numbers) == ["+15550122", "+15550111"]


def test_a_rule_names_its_trunk_its_number_and_the_persona() -> None:
    (rule,) = wanted(numbers=[TWO | {"allowed_callers": ["+15550188"]}]).rules
    assert rule.trunk == "parley main"
    assert list(rule.info.numbers) == ["+15550122"]
    assert list(rule.info.inbound_numbers) == ["+15550188"]
    (agent,) = rule.info.room_config.agents
    assert agent.agent_name == "parley"
    request = CallRequest.parse(agent.metadata)
    assert (request.direction, request.persona) == ("inbound", "reminder")


def test_a_number_with_a_shorter_limit_has_a_trunk_of_its_own() -> None:
    want = wanted(numbers=[ONE, TWO | {"max_call_seconds": 60}])
    limits = {trunk.name: trunk.max_call_duration.seconds for trunk in want.inbound}
    assert limits == {"parley main": 3600, "parley main +15550122": 60}
    assert [rule.trunk for rule in want.rules] == ["parley main", "parley main +15550122"]


def test_a_number_moves_between_trunks_without_ever_being_on_two() -> None:
    apart = wanted(numbers=[ONE, TWO | {"max_call_seconds": 60}])
    together = wanted(numbers=[ONE, TWO])
    found = made(plan(together, Found()).steps)
    assert steps_of(apart, found) == [
        ("update", "inbound trunk", "parley main"),
        ("create", "inbound trunk", "parley main +15550122"),
        ("update", "dispatch rule", "parley main +15550122"),
    ]
    found = made(plan(apart, found).steps, found)
    assert steps_of(together, found) == [
        ("delete", "inbound trunk", "parley main +15550122"),
        ("update", "inbound trunk", "parley main"),
        ("update", "dispatch rule", "parley main +15550122"),
    ]


def changed_inbound(trunk: api.SIPInboundTrunkInfo) -> None:
    trunk.allowed_addresses[:] = ["0.0.0.0/0"]


def added_field(trunk: api.SIPInboundTrunkInfo) -> None:
    trunk.allowed_numbers.append("+15550188")


@pytest.mark.parametrize(
    ("change", "field"),
    [(changed_inbound, "allowed_addresses"), (added_field, "allowed_numbers")],
)
def test_what_somebody_changed_is_put_right_and_said(
    change: Callable[[api.SIPInboundTrunkInfo], None], field: str
) -> None:
    found = made(plan(wanted(), Found()).steps)
    change(found.inbound[0])
    (step,) = plan(wanted(), found).steps
    assert (step.action, step.kind, list(step.fields)) == ("update", "inbound trunk", [field])


def test_a_new_password_is_put_in_and_not_shown() -> None:
    found = made(plan(wanted(), Found()).steps)
    other = objects_of(line(), SecretStr("Bb2" * 8))
    (step,) = plan(other, found).steps
    assert step.fields == {"auth_password": (SECRET, SECRET)}
    for each in (*plan(other, Found()).steps, step):
        assert "Bb2" not in repr(each.fields)


def test_a_rule_whose_trunk_is_gone_gets_the_new_one() -> None:
    found = made(plan(wanted(), Found()).steps)
    without = Found([], found.outbound, found.rules)
    trunk, rule = plan(wanted(), without).steps
    assert (trunk.action, trunk.kind) == ("create", "inbound trunk")
    assert (rule.action, rule.fields) == ("update", {TRUNK: (GONE, "parley main")})


def test_a_rule_of_any_trunk_is_bound_to_ours() -> None:
    found = made(plan(wanted(), Found()).steps)
    del found.rules[0].trunk_ids[:]
    (step,) = plan(wanted(), found).steps
    assert step.fields == {TRUNK: (None, "parley main")}


def test_of_two_with_one_name_that_stays_which_is_as_it_shall_be() -> None:
    found = made(plan(wanted(), Found()).steps)
    twin = api.SIPOutboundTrunkInfo(sip_trunk_id="twin", name="parley main", numbers=["+15550111"])
    both = Found(found.inbound, [twin, *found.outbound], found.rules)
    (step,) = plan(wanted(), both).steps
    assert (step.action, step.kind, step.id) == ("delete", "outbound trunk", "twin")


def test_a_number_taken_out_of_the_file_loses_its_rule() -> None:
    found = made(plan(wanted(numbers=[ONE, TWO]), Found()).steps)
    assert steps_of(wanted(), found) == [
        ("delete", "dispatch rule", "parley main +15550122"),
        ("update", "inbound trunk", "parley main"),
        ("update", "outbound trunk", "parley main"),
    ]


def of_others() -> Found:
    """Another line's, the local one's, and somebody else's."""
    other = plan(wanted(name="maine", numbers=[TWO]), Found()).steps
    inbound = api.SIPInboundTrunkInfo(sip_trunk_id="1", name="main", numbers=["+15550133"])
    local = api.SIPInboundTrunkInfo(sip_trunk_id="2", name="parley local", numbers=["+15550144"])
    rule = api.SIPDispatchRuleInfo(sip_dispatch_rule_id="3", name="", trunk_ids=["1"])
    found = made(other)
    return Found([*found.inbound, inbound, local], found.outbound, [*found.rules, rule])


def test_objects_of_others_are_left_alone() -> None:
    found = of_others()
    assert [step.action for step in plan(wanted(), found).steps] == ["create"] * 3
    assert plan_destroy(wanted(), found) == []
    ours = made(plan(wanted(), found).steps, found)
    assert made(plan_destroy(wanted(), ours), ours) == found


def test_everything_of_ours_goes_rules_first() -> None:
    found = made(plan(wanted(), Found()).steps)
    assert [(step.action, step.kind) for step in plan_destroy(wanted(), found)] == [
        ("delete", "dispatch rule"),
        ("delete", "outbound trunk"),
        ("delete", "inbound trunk"),
    ]


@pytest.mark.parametrize("written", ["+15550111", "+1 (555) 0111", "15550111"])
def test_a_number_on_the_trunk_of_others_is_refused_however_it_is_written(written: str) -> None:
    other = api.SIPInboundTrunkInfo(sip_trunk_id="ST_x", name="other", numbers=[written])
    with pytest.raises(SideError, match=r"on the inbound trunk 'other' \(ST_x\)"):
        plan(wanted(), Found([other]))


def test_a_trunk_of_others_for_named_callers_does_not_stand_in_the_way() -> None:
    other = api.SIPInboundTrunkInfo(
        name="other", numbers=["+15550111"], allowed_numbers=["+15550177"]
    )
    assert len(plan(wanted(), Found([other])).steps) == 3


def test_a_line_may_not_be_called_as_the_local_trunk() -> None:
    with pytest.raises(SideError, match="choose another name"):
        wanted(name="local")


async def test_a_password_that_is_not_there_is_named() -> None:
    async with api.LiveKitAPI("ws://127.0.0.1:9", "key", "s" * 32) as client:
        with pytest.raises(SideError, match="PARLEY_TRUNK_PASSWORD"):
            for_line(line(), client, {})
