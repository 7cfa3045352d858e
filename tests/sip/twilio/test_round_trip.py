"""Plan, apply, plan again, destroy: against Twilio's own description of its API."""

import json

import pytest

from sip.line import Line
from tests.sip.twilio.lines import (
    NUMBER,
    PASSWORD,
    SECOND,
    SECRETS,
    console,
    do,
    line,
    make,
    owned,
    side,
    whole_line,
)
from tests.sip.twilio.mock import MockTwilio

TWIML = {"mode": "twiml", "voice_url": "https://voice.example.com/twiml"}

LINES = {"smallest": line(), "whole": whole_line(), "twiml": whole_line(**TWIML)}


@pytest.mark.parametrize("wanted", LINES.values(), ids=LINES)
async def test_what_was_applied_needs_nothing_more(twilio: MockTwilio, wanted: Line) -> None:
    done = await make(side(wanted, twilio))

    assert len(twilio.changes) == len(done)
    assert await side(wanted, twilio).plan() == []


@pytest.mark.parametrize("wanted", LINES.values(), ids=LINES)
async def test_a_destroyed_line_leaves_nothing(twilio: MockTwilio, wanted: Line) -> None:
    before = twilio.picture()
    await make(side(wanted, twilio))

    await do(await side(wanted, twilio).plan_destroy())

    assert [without_methods(each) for each in twilio.picture()] == [
        without_methods(each) for each in before
    ]
    assert await side(wanted, twilio).plan_destroy() == []


def without_methods(text: str) -> str:
    """A number keeps the method and the emptiness of a URL that it had for a while."""
    kind, _, fields = text.partition(" {")
    kept = {
        key: value
        for key, value in json.loads("{" + fields).items()
        if value is not None and key != "voice_method"
    }
    return f"{kind} {kept}"


async def test_the_order_is_that_in_which_objects_need_each_other(twilio: MockTwilio) -> None:
    planned = await side(whole_line(), twilio).plan()

    assert [(each.action, each.kind) for each in planned] == [
        ("create", "trunk"),
        ("create", "origination URL"),
        ("create", "origination URL"),
        ("create", "credential list"),
        ("create", "credential"),
        ("link", "credential list"),
        ("create", "IP access control list"),
        ("create", "IP address"),
        ("create", "IP address"),
        ("link", "IP access control list"),
        ("update", "recording"),
        ("link", "number"),
        ("link", "number"),
        ("create", "usage trigger"),
    ]
    assert twilio.changes == []


async def test_what_twilio_has_is_what_the_line_says(twilio: MockTwilio) -> None:
    await make(side(whole_line(), twilio))

    client = console(twilio)
    [trunk] = client.trunking.v1.trunks.list()
    assert trunk.domain_name == "parley-test.pstn.twilio.com"
    assert trunk.secure
    assert trunk.transfer_mode == "enable-all"
    assert trunk.disaster_recovery_url == "https://voice.example.com/sorry.xml"
    assert trunk.recordings().fetch().mode == "record-from-answer-dual"
    assert {
        (each.sip_url, each.priority, each.weight, each.enabled)
        for each in trunk.origination_urls.list()
    } == {
        ("sip:a.example.com:5061;transport=tls", 10, 20, True),
        ("sip:b.example.com:5061;transport=tls", 20, 10, True),
    }
    assert [*twilio.store.passwords.values()] == [PASSWORD]
    assert {each.phone_number for each in trunk.phone_numbers.list()} == {NUMBER, SECOND}
    [trigger] = client.usage.triggers.list()
    assert (trigger.trigger_value, trigger.recurring, trigger.usage_category) == (
        "25",
        "daily",
        "totalprice",
    )


async def test_a_number_asks_our_server_in_mode_twiml(twilio: MockTwilio) -> None:
    done = await make(side(line(**TWIML), twilio))

    number = owned(twilio, NUMBER)
    assert (number.voice_url, number.voice_method) == (TWIML["voice_url"], "GET")
    assert not any(each.kind == "origination URL" for each in done)


async def test_the_plan_says_that_a_number_loses_its_application(twilio: MockTwilio) -> None:
    application = "AP" + "0" * 32
    owned(twilio, NUMBER).update(voice_application_sid=application)

    [change] = [each for each in await make(side(line(), twilio)) if each.kind == "number"]

    assert change.fields == {"application": (application, None)}
    assert not owned(twilio, NUMBER).voice_application_sid


async def test_the_old_way_in_is_closed_when_the_new_one_is_open(twilio: MockTwilio) -> None:
    await make(side(line(), twilio))

    done = await make(side(line(**TWIML), twilio))

    assert [(each.action, each.kind) for each in done] == [
        ("unlink", "number"),
        ("update", "number"),
        ("delete", "origination URL"),
    ]


async def test_a_line_can_change_its_mode_and_back(twilio: MockTwilio) -> None:
    await make(side(line(), twilio))

    await make(side(line(**TWIML), twilio))

    assert await side(line(**TWIML), twilio).plan() == []
    assert not owned(twilio, NUMBER).trunk_sid
    [trunk] = console(twilio).trunking.v1.trunks.list()
    assert trunk.origination_urls.list() == []

    await make(side(line(), twilio))

    assert await side(line(), twilio).plan() == []
    assert owned(twilio, NUMBER).trunk_sid == trunk.sid


async def test_a_password_changes_only_when_asked_for(twilio: MockTwilio) -> None:
    await make(side(line(), twilio))
    other = {**SECRETS, "PARLEY_TRUNK_PASSWORD": "Battery-Staple-88"}

    assert await side(line(), twilio, secrets=other).plan() == []
    [change] = await make(side(line(), twilio, secrets=other, rotate=True))

    assert (change.action, change.kind) == ("update", "credential")
    assert [*twilio.store.passwords.values()] == ["Battery-Staple-88"]


async def test_two_lines_of_an_account_leave_each_other_alone(twilio: MockTwilio) -> None:
    other = line(
        name="second", domain="parley-second", numbers=[{"number": SECOND, "persona": "clinic"}]
    )
    await make(side(line(), twilio))
    before = twilio.picture()

    await make(side(other, twilio))
    assert await side(line(), twilio).plan() == []
    await do(await side(other, twilio).plan_destroy())

    assert twilio.picture() == before


async def test_region_and_edge_are_part_of_the_host(twilio: MockTwilio) -> None:
    await side(line(), twilio, secrets={**SECRETS, "TWILIO_EDGE": "dublin"}).plan()
    regional = {**SECRETS, "TWILIO_REGION": "ie1", "TWILIO_EDGE": "dublin"}
    await side(line(), twilio, secrets=regional).plan()

    assert {each.host for each in twilio.asked} == {
        "api.dublin.us1.twilio.com",
        "trunking.dublin.us1.twilio.com",
        "api.dublin.ie1.twilio.com",
        "trunking.dublin.ie1.twilio.com",
    }


async def test_nothing_is_taken_from_the_environment_that_was_not_given(
    twilio: MockTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "sydney")

    await side(line(), twilio).plan()

    assert {each.host for each in twilio.asked} == {"api.twilio.com", "trunking.twilio.com"}


async def test_an_api_key_opens_the_account(twilio: MockTwilio) -> None:
    key, secret = "SK" + "b" * 32, "key-secret"
    twilio.logins = {(key, secret)}
    secrets = {**SECRETS, "TWILIO_API_KEY": key, "TWILIO_API_SECRET": secret}

    await make(side(line(), twilio, secrets=secrets))

    assert await side(line(), twilio, secrets=secrets).plan() == []
