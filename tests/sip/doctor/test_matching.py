"""The replay of LiveKit's choice; tests/sip/doctor/test_matching_server.py holds it to the server."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import api

from sip.doctor.matching import (
    UNUSABLE,
    IncomingCall,
    choose_rule,
    choose_trunk,
    is_address,
    is_usable,
    normalized,
    priority,
)
from tests.sip.doctor.doors import (
    CALL,
    CALLER,
    OURS,
    TWILIO,
    callee,
    direct,
    individual,
    rule,
    trunk,
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("+15550100", "+15550100"),
        ("15550100", "+15550100"),
        ("+1 (555) 01-00", "+15550100"),
        ("anonymous", "anonymous"),
        ("+1555x", "+1555x"),
        ("", ""),
    ],
)
def test_numbers_are_compared_without_their_dashes(written: str, meant: str) -> None:
    assert normalized(written) == meant


@given(st.text())
def test_what_is_normalized_stays_so(written: str) -> None:
    assert normalized(normalized(written)) == normalized(written)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, None),
        ({"numbers": [OURS]}, None),
        ({"numbers": ["1 555-01-00"]}, None),
        ({"numbers": ["+15550199"]}, "numbers"),
        ({"allowed_numbers": [CALLER.removeprefix("+")]}, None),
        ({"allowed_numbers": ["+15550199"]}, "allowed_numbers"),
        ({"allowed_addresses": ["54.172.60.0/30"]}, None),
        ({"allowed_addresses": [TWILIO]}, None),
        ({"allowed_addresses": ["54.172.60.4/30"]}, "allowed_addresses"),
        ({"allowed_addresses": ["example.org"]}, "allowed_addresses"),
        ({"allowed_addresses": ["54.172.60.1:5060"]}, "allowed_addresses"),
        ({"allowed_addresses": ["sip://elsewhere", "a, b"]}, None),
        ({"allowed_addresses": ["sip://elsewhere", "192.0.2.0/24"]}, "allowed_addresses"),
        ({"numbers": ["+15550199"], "allowed_addresses": ["192.0.2.1"]}, "numbers"),
    ],
)
def test_the_first_condition_that_fails_is_named(fields: dict[str, Any], why: str | None) -> None:
    choice = choose_trunk([trunk(**fields)], CALL)
    assert (choice.trunk is None) == (why is not None)
    assert [each.why.partition(":")[0] for each in choice.missed] == ([why] if why else [])


def test_an_allowed_host_name_is_the_one_that_the_caller_claims() -> None:
    forged = IncomingCall(OURS, CALLER, "203.0.113.9", from_host="example.org")
    assert choose_trunk([trunk(allowed_addresses=["example.org"])], forged).trunk


def test_a_trunk_of_the_number_goes_before_one_of_any() -> None:
    wild, named = trunk("ST_a"), trunk("ST_b", numbers=[OURS])
    assert choose_trunk([wild, named], CALL).trunk == named


@pytest.mark.parametrize("fields", [{}, {"numbers": [OURS]}])
def test_two_trunks_alike_are_a_conflict(fields: dict[str, Any]) -> None:
    choice = choose_trunk([trunk("ST_a", **fields), trunk("ST_b", **fields)], CALL)
    assert choice.trunk is None
    assert "ST_a" in (choice.conflict or "")
    assert "ST_b" in (choice.conflict or "")


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        (direct(pin="1"), {"numbers": [OURS], "inbound_numbers": [CALLER]}, 0),
        (individual(pin="1"), {"numbers": [OURS], "inbound_numbers": [CALLER]}, 1),
        (callee(pin="1"), {"numbers": [OURS], "inbound_numbers": [CALLER]}, 2),
        (direct(), {"numbers": [OURS], "inbound_numbers": [CALLER]}, 100),
        (individual(), {"numbers": [OURS], "inbound_numbers": [CALLER]}, 101),
        (callee(), {"numbers": [OURS], "inbound_numbers": [CALLER]}, 102),
        (callee(), {"numbers": [OURS]}, 1102),
        (callee(), {"inbound_numbers": [CALLER]}, 1102),
        (callee(), {}, 2102),
        (direct(pin="1"), {}, 2000),
        (api.SIPDispatchRule(), {}, UNUSABLE),
    ],
)
def test_the_priority_of_a_rule(
    kind: api.SIPDispatchRule, fields: dict[str, Any], expected: int
) -> None:
    assert priority(rule(kind=kind, **fields)) == expected


OURS_BY_TRUNK: dict[str, Any] = {"trunk_ids": ["ST_a"], "numbers": [OURS]}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (OURS_BY_TRUNK, None),
        ({}, None),
        ({"trunk_ids": ["ST_b"]}, "trunk_ids"),
        ({"trunk_ids": ["ST_a"], "numbers": [OURS.removeprefix("+")]}, "numbers"),
        ({"trunk_ids": ["ST_a"], "inbound_numbers": ["+15550199"]}, "inbound_numbers"),
    ],
)
def test_a_rule_counts_letter_by_letter(fields: dict[str, Any], why: str | None) -> None:
    choice = choose_rule(trunk(), [rule(**fields)], CALL)
    assert (choice.rule is None) == (why is not None)
    assert [each.why.partition(":")[0] for each in choice.missed] == ([why] if why else [])


def test_a_rule_of_the_trunk_goes_before_one_of_any_whatever_their_priorities() -> None:
    wild = rule("SDR_a", direct(), numbers=[OURS], inbound_numbers=[CALLER])
    named = rule("SDR_b", callee(), trunk_ids=["ST_a"])
    assert choose_rule(trunk(), [wild, named], CALL).rule == named


def test_a_call_of_no_trunk_is_taken_by_a_rule_that_names_none() -> None:
    wild = rule("SDR_b")
    assert choose_rule(None, [rule("SDR_a", **OURS_BY_TRUNK), wild], CALL).rule == wild


def test_of_rules_of_equal_priority_the_room_decides_and_the_others_are_named() -> None:
    late = rule("SDR_a", callee("z"), trunk_ids=["ST_a"], numbers=[OURS])
    early = rule("SDR_b", callee("b"), trunk_ids=["ST_a"], inbound_numbers=[CALLER])
    choice = choose_rule(trunk(), [late, early], CALL)
    assert choice.rule == early
    assert choice.equals == (late,)


def test_two_rules_that_ask_for_the_same_calls_leave_all_unanswered() -> None:
    rules = [rule("SDR_a", direct(), **OURS_BY_TRUNK), rule("SDR_b", callee(), **OURS_BY_TRUNK)]
    choice = choose_rule(trunk(), rules, CALL)
    assert choice.rule is None
    assert "same calls" in (choice.conflict or "")


def test_a_conflict_of_another_trunks_rules_is_none_of_ours() -> None:
    other: dict[str, Any] = {"trunk_ids": ["ST_b"], "numbers": [OURS]}
    ours = rule("SDR_c", **OURS_BY_TRUNK)
    choice = choose_rule(trunk(), [rule("SDR_a", **other), rule("SDR_b", **other), ours], CALL)
    assert choice.rule == ours


@pytest.mark.parametrize(
    ("mask", "usable", "address"),
    [
        ("192.0.2.1", True, True),
        ("192.0.2.1/24", True, True),
        ("2001:db8::/32", True, True),
        ("192.0.2.0/255.255.255.0", True, False),
        ("192.0.2.0/33", True, False),
        ("192.0.2.1:5060", True, False),
        ("example.org", True, False),
        ("sip://192.0.2.1", False, False),
        ("192.0.2.1, 192.0.2.2", False, False),
    ],
)
def test_what_counts_as_an_address(mask: str, usable: bool, address: bool) -> None:
    assert (is_usable(mask), is_address(mask)) == (usable, address)


ADDRESSES = st.ip_addresses(v=4)


@given(ADDRESSES, st.integers(0, 32))
def test_an_address_is_in_every_network_around_it(address: object, bits: int) -> None:
    call = IncomingCall(OURS, CALLER, str(address))
    assert choose_trunk([trunk(allowed_addresses=[f"{address}/{bits}"])], call).trunk
