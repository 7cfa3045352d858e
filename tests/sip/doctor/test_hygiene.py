"""Doors that are open, and what is said of a call that finds none."""

from typing import Any

import pytest
from livekit import api

from sip.doctor import hygiene
from sip.doctor.finding import Finding, Reporter, Verdict
from tests.sip.doctor.doors import CALL, OURS, TWILIO, callee, direct, rule, trunk

REPORT = Reporter("doors")
PASSWORD: dict[str, Any] = {"auth_username": "parley", "auth_password": "p"}


def said(found: Finding) -> str:
    return f"{found.says} {found.fix or ''}"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"numbers": [OURS]}, "from any address"),
        ({"numbers": [OURS], "allowed_addresses": ["0.0.0.0/0"]}, "from any address"),
        ({"allowed_addresses": ["sip://192.0.2.1"]}, "allows all"),
        ({"allowed_addresses": ["192.0.2.0/24", "example.org"]}, "into From"),
        ({"allowed_addresses": ["192.0.2.0/24"], "auth_username": "parley"}, "no auth_password"),
    ],
)
def test_a_trunk_that_lets_strangers_in_is_a_failure(
    fields: dict[str, Any], complaint: str
) -> None:
    (found,) = hygiene.doors(REPORT, [trunk(**fields)], [])
    assert found.verdict is Verdict.FAILED
    assert complaint in found.says
    assert found.fix


def test_a_rule_without_a_trunk_takes_calls_of_nobody() -> None:
    (found,) = hygiene.doors(REPORT, [], [rule(numbers=[OURS])])
    assert found.verdict is Verdict.FAILED
    assert "names no trunk" in found.says


@pytest.mark.parametrize(
    "fields", [{"allowed_addresses": ["192.0.2.0/24"]}, PASSWORD], ids=["addresses", "password"]
)
def test_closed_doors_are_fine(fields: dict[str, Any]) -> None:
    (found,) = hygiene.doors(REPORT, [trunk(**fields)], [rule(trunk_ids=["ST_a"])])
    assert found.verdict is Verdict.OK


def test_passwords_are_not_told() -> None:
    secret = trunk(auth_password="hush-hush")
    assert "hush" not in said(hygiene.doors(REPORT, [secret], [])[0])


@pytest.mark.parametrize(
    ("trunks", "complaint"),
    [
        ([], "there is none"),
        ([trunk(numbers=["+15550199"])], f"without {OURS}"),
        (
            [trunk("ST_a", numbers=["+15550199"]), trunk("ST_b", allowed_addresses=["192.0.2.1"])],
            f"the network of {TWILIO}",
        ),
        ([trunk(allowed_numbers=["+15550199"])], "allowed_callers"),
        ([trunk("ST_a"), trunk("ST_b")], "503"),
    ],
)
def test_a_call_that_no_trunk_takes(trunks: list[api.SIPInboundTrunkInfo], complaint: str) -> None:
    found = hygiene.trunk_for(REPORT, trunks, CALL)
    assert found.verdict is Verdict.FAILED
    assert complaint in said(found)


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        ([], "there is none"),
        ([rule(trunk_ids=["ST_b"])], "name the trunk"),
        ([rule(trunk_ids=["ST_a"], numbers=["15550100"])], "with its plus"),
        ([rule(trunk_ids=["ST_a"], inbound_numbers=["+15550199"])], "allowed_callers"),
        ([rule(kind=callee(pin="1"), trunk_ids=["ST_a"])], "PIN"),
        ([rule(trunk_ids=["ST_a"], agents=["somebody"])], "not 'parley'"),
        ([rule(trunk_ids=["ST_a"], agents=[])], "no agent"),
        ([rule("SDR_a", trunk_ids=["ST_a"]), rule("SDR_b", trunk_ids=["ST_a"])], "503"),
        (
            [
                rule("SDR_a", direct(), trunk_ids=["ST_a"], numbers=[OURS]),
                rule("SDR_b", direct(), trunk_ids=["ST_a"], inbound_numbers=[CALL.calling]),
            ],
            "are equal",
        ),
    ],
)
def test_a_call_that_no_rule_takes_to_our_agent(
    rules: list[api.SIPDispatchRuleInfo], complaint: str
) -> None:
    found = hygiene.rule_for(REPORT, [trunk()], rules, CALL, "parley")
    assert found.verdict is Verdict.FAILED
    assert complaint in said(found)


def test_a_call_that_comes_through() -> None:
    trunks, rules = [trunk(numbers=[OURS])], [rule(trunk_ids=["ST_a"], numbers=[OURS])]
    assert hygiene.trunk_for(REPORT, trunks, CALL).verdict is Verdict.OK
    assert hygiene.rule_for(REPORT, trunks, rules, CALL, "parley").verdict is Verdict.OK
