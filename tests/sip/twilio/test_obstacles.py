"""What is not ours: left alone, or named where it stands in the way."""

import pytest
from twilio.rest import Client  # type: ignore[import-untyped]

from sip.changes import SideError, StoppedError
from tests.sip.twilio.lines import NUMBER, SECOND, console, do, line, make, side, whole_line
from tests.sip.twilio.mock import ACCOUNT, MockTwilio


@pytest.fixture
def office(twilio: MockTwilio) -> Client:
    """Somebody else's trunk in the same account, with all that a trunk can have but a number."""
    client = console(twilio)
    trunk = client.trunking.v1.trunks.create(
        friendly_name="office", domain_name="office.pstn.twilio.com"
    )
    trunk.origination_urls.create(
        weight=1, priority=1, enabled=True, friendly_name="office", sip_url="sip:pbx.example.com"
    )
    credentials = client.sip.credential_lists.create("office")
    credentials.credentials.create("office", "Office-Secret-1")
    trunk.credentials_lists.create(credentials.sid)
    addresses = client.sip.ip_access_control_lists.create("office")
    addresses.ip_addresses.create("office", "192.0.2.9", cidr_prefix_length=32)
    trunk.ip_access_control_lists.create(addresses.sid)
    client.usage.triggers.create(
        callback_url="https://office.example.com",
        trigger_value="10",
        usage_category="totalprice",
        friendly_name="office",
    )
    return client


@pytest.mark.usefixtures("office")
async def test_others_are_left_alone(twilio: MockTwilio) -> None:
    before = twilio.picture()

    await make(side(whole_line(), twilio))
    assert set(before) <= set(twilio.picture())
    assert await side(whole_line(), twilio).plan() == []
    await do(await side(whole_line(), twilio).plan_destroy())

    assert twilio.picture() == before


async def test_lists_of_others_on_our_trunk_are_unlinked_and_kept(
    twilio: MockTwilio, office: Client
) -> None:
    await make(side(line(), twilio))
    before = twilio.picture()
    [ours] = [
        each for each in office.trunking.v1.trunks.list() if each.friendly_name == "parley main"
    ]
    [credentials] = [
        each for each in office.sip.credential_lists.list() if each.friendly_name == "office"
    ]
    [addresses] = office.sip.ip_access_control_lists.list()
    ours.credentials_lists.create(credentials.sid)
    ours.ip_access_control_lists.create(addresses.sid)

    done = await make(side(line(), twilio))

    assert [(each.action, each.kind, each.name) for each in done] == [
        ("unlink", "credential list", "office"),
        ("unlink", "IP access control list", "office"),
    ]
    assert twilio.picture() == before


async def test_a_number_on_another_trunk_is_not_taken(twilio: MockTwilio, office: Client) -> None:
    [trunk] = office.trunking.v1.trunks.list()
    [number] = office.incoming_phone_numbers.list(phone_number=NUMBER)
    trunk.phone_numbers.create(number.sid)

    with pytest.raises(SideError) as refused:
        await side(line(), twilio).plan()

    assert str(refused.value) == (
        f"{NUMBER} is on another trunk, 'office' ({trunk.sid}): remove it there (console, "
        "Elastic SIP Trunking, the trunk, Numbers), or take it out of sip.yaml"
    )


async def test_all_numbers_that_are_not_owned_are_named(twilio: MockTwilio) -> None:
    missing = ("+15550100008", "+15550100009")
    wanted = line(
        numbers=[{"number": each, "persona": "receptionist"} for each in (NUMBER, *missing)]
    )

    with pytest.raises(SideError) as refused:
        await side(wanted, twilio).plan()

    for number in missing:
        assert f"{number} is not a number of the account {ACCOUNT}: buy it" in str(refused.value)
    assert NUMBER not in str(refused.value)


async def test_a_longer_number_is_another(twilio: MockTwilio) -> None:
    wanted = line(numbers=[{"number": NUMBER[:-1], "persona": "receptionist"}])

    with pytest.raises(SideError, match="is not a number of the account"):
        await side(wanted, twilio).plan()


async def test_a_numbers_application_stands_before_its_url(twilio: MockTwilio) -> None:
    client = console(twilio)
    [number] = client.incoming_phone_numbers.list(phone_number=NUMBER)
    number.update(voice_application_sid="AP" + "0" * 32)

    with pytest.raises(SideError, match=r"belongs to the application AP0+, .+ take it away"):
        await side(line(mode="twiml", voice_url="https://a.example.com"), twilio).plan()


@pytest.mark.usefixtures("office")
async def test_a_domain_of_another_trunk_is_not_taken(twilio: MockTwilio) -> None:
    with pytest.raises(SideError, match=r"office\.pstn\.twilio\.com is that of the trunk 'office'"):
        await side(line(domain="office"), twilio).plan()


async def test_a_domain_of_another_account_is_refused(twilio: MockTwilio) -> None:
    twilio.store.taken_domains.add("parley-test.pstn.twilio.com")

    with pytest.raises(StoppedError, match=r"the domain is taken, .+ choose another `domain`"):
        await make(side(line(), twilio))


async def test_a_destroyed_lines_domain_is_gone_for_a_while(twilio: MockTwilio) -> None:
    await make(side(line(), twilio))
    [trunk] = [each for each in await side(line(), twilio).plan_destroy() if each.kind == "trunk"]
    assert trunk.fields == {"domain_name": ("parley-test.pstn.twilio.com", None)}
    await do(await side(line(), twilio).plan_destroy())

    with pytest.raises(StoppedError, match="deleted in the last 30 days"):
        await make(side(line(), twilio))
    await make(side(line(domain="parley-again"), twilio))

    assert await side(line(domain="parley-again"), twilio).plan() == []


async def test_two_trunks_of_our_name_are_not_chosen_from(twilio: MockTwilio) -> None:
    await make(side(line(), twilio))
    client = console(twilio)
    second = client.trunking.v1.trunks.create(friendly_name="parley main")

    for wish in (side(line(), twilio).plan, side(line(), twilio).plan_destroy):
        with pytest.raises(SideError, match=rf"2 trunks are called .+{second.sid}.+delete all but"):
            await wish()


async def test_a_list_that_others_use_is_not_deleted(twilio: MockTwilio, office: Client) -> None:
    await make(side(line(), twilio))
    [theirs] = [each for each in office.trunking.v1.trunks.list() if each.friendly_name == "office"]
    [ours] = [
        each for each in office.sip.credential_lists.list() if each.friendly_name == "parley main"
    ]
    theirs.credentials_lists.create(ours.sid)

    with pytest.raises(StoppedError, match="used by another trunk or SIP domain: unlink it there"):
        await do(await side(line(), twilio).plan_destroy())
    theirs.credentials_lists(ours.sid).delete()
    await do(await side(line(), twilio).plan_destroy())

    assert await side(line(), twilio).plan_destroy() == []


async def test_a_destroy_clears_no_url_of_others(twilio: MockTwilio) -> None:
    wanted = whole_line(mode="twiml", voice_url="https://voice.example.com/twiml")
    await make(side(wanted, twilio))
    client = console(twilio)
    [number] = client.incoming_phone_numbers.list(phone_number=SECOND)
    number.update(voice_url="https://office.example.com/twiml")

    await do(await side(wanted, twilio).plan_destroy())

    [number] = client.incoming_phone_numbers.list(phone_number=SECOND)
    assert number.voice_url == "https://office.example.com/twiml"
    assert not number.voice_fallback_url
    [number] = client.incoming_phone_numbers.list(phone_number=NUMBER)
    assert not number.voice_url


async def test_the_same_way_in_twice_is_refused(twilio: MockTwilio) -> None:
    way = {"uri": "sip:a.example.com:5060"}

    with pytest.raises(SideError, match="a uri is given twice"):
        await side(line(origination=[way, {**way, "priority": 20}]), twilio).plan()
