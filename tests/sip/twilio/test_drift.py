"""What somebody else, or the owner of the file, changed: that is put right, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.sip.twilio.lines import NUMBER, SECOND, console, make, side, whole_line
from tests.sip.twilio.mock import MockTwilio

Drift = Callable[[Any, Any], object]

DRIFTS: dict[tuple[str, str], Drift] = {
    ("update", "trunk"): lambda client, trunk: trunk.update(secure=False),
    ("create", "origination URL"): lambda client, trunk: trunk.origination_urls.list()[0].delete(),
    ("update", "origination URL"): lambda client, trunk: trunk.origination_urls.list()[0].update(
        enabled=False, weight=7
    ),
    ("delete", "origination URL"): lambda client, trunk: trunk.origination_urls.create(
        weight=1, priority=1, enabled=True, friendly_name="x", sip_url="sip:else@example.com"
    ),
    ("create", "credential"): lambda client, trunk: (
        client.sip.credential_lists.list()[0].credentials.list()[0].delete()
    ),
    ("delete", "credential"): lambda client, trunk: client.sip.credential_lists.list()[
        0
    ].credentials.create("guest", "Another-Word-8"),
    ("link", "credential list"): lambda client, trunk: trunk.credentials_lists.list()[0].delete(),
    ("create", "IP address"): lambda client, trunk: (
        client.sip.ip_access_control_lists.list()[0].ip_addresses.list()[0].delete()
    ),
    ("delete", "IP address"): lambda client, trunk: client.sip.ip_access_control_lists.list()[
        0
    ].ip_addresses.create("x", "192.0.2.1"),
    ("link", "IP access control list"): lambda client, trunk: trunk.ip_access_control_lists.list()[
        0
    ].delete(),
    ("update", "recording"): lambda client, trunk: trunk.recordings().update(mode="do-not-record"),
    ("link", "number"): lambda client, trunk: trunk.phone_numbers.list()[0].delete(),
    ("update", "usage trigger"): lambda client, trunk: client.usage.triggers.list()[0].update(
        callback_url="https://else.example.com"
    ),
    ("create", "usage trigger"): lambda client, trunk: client.usage.triggers.list()[0].delete(),
}


@pytest.mark.parametrize(("expected", "drift"), DRIFTS.items(), ids=map(" ".join, DRIFTS))
async def test_drift_is_the_only_thing_that_is_put_right(
    twilio: MockTwilio, expected: tuple[str, str], drift: Drift
) -> None:
    await make(side(whole_line(), twilio))
    before = twilio.picture()
    client = console(twilio)
    drift(client, client.trunking.v1.trunks.list()[0])
    assert twilio.picture() != before

    done = await make(side(whole_line(), twilio))

    assert [(each.action, each.kind) for each in done] == [expected]
    assert twilio.picture() == before


EDITS: dict[str, tuple[dict[str, Any], set[tuple[str, str]]]] = {
    "fewer ways in": (
        {"origination": [{"uri": "sip:a.example.com:5061;transport=tls", "weight": 20}]},
        {("delete", "origination URL")},
    ),
    "no addresses": (
        {"allowed_ips": []},
        {("unlink", "IP access control list"), ("delete", "IP access control list")},
    ),
    "no alarm": ({"spend": None}, {("delete", "usage trigger")}),
    "another limit": (
        {"spend": {"daily_usd": 7.5, "callback_url": "https://voice.example.com/spend"}},
        {("create", "usage trigger"), ("delete", "usage trigger")},
    ),
    "another user": (
        {"credentials": {"username": "other"}},
        {("create", "credential"), ("delete", "credential")},
    ),
    "fewer numbers": (
        {"numbers": [{"number": SECOND, "persona": "receptionist"}]},
        {("unlink", "number")},
    ),
    "no disaster recovery": ({"disaster_recovery_url": None}, {("update", "trunk")}),
    "another domain": ({"domain": "parley-other"}, {("update", "trunk")}),
    "another persona": (
        {"numbers": [{"number": each, "persona": "clinic"} for each in (NUMBER, SECOND)]},
        set(),
    ),
}


@pytest.mark.parametrize(("edit", "expected"), EDITS.values(), ids=EDITS)
async def test_what_is_edited_in_the_file_is_all_that_changes(
    twilio: MockTwilio, edit: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    await make(side(whole_line(), twilio))

    done = await make(side(whole_line(**edit), twilio))

    assert {(each.action, each.kind) for each in done} == expected
    assert await side(whole_line(**edit), twilio).plan() == []


async def test_of_two_ways_in_that_are_the_same_one_is_kept(twilio: MockTwilio) -> None:
    await make(side(whole_line(), twilio))
    before = twilio.picture()
    [trunk] = console(twilio).trunking.v1.trunks.list()
    uri = "sip:a.example.com:5061;transport=tls"
    trunk.origination_urls.create(
        weight=1, priority=1, enabled=True, friendly_name="parley main", sip_url=uri
    )

    done = await make(side(whole_line(), twilio))

    assert [(each.action, each.kind) for each in done] == [("delete", "origination URL")]
    assert twilio.picture() == before
