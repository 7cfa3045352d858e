"""What the doctor says of an account: Twilio's own API, in memory."""

from typing import Any

import pytest
from twilio.rest import Client  # type: ignore[import-untyped]

from sip.doctor import twilio as doctor
from sip.doctor.finding import Finding, Reporter, Verdict
from sip.line import Line
from sip.twilio_side import Account, Login
from tests.sip.twilio.lines import NUMBER, SECOND, SECRETS, line, make, side
from tests.sip.twilio.mock import ACCOUNT, TOKEN, MockTwilio

DESK = "+15550100009"
VOICE_URL = "https://voice.example.com/twiml"


@pytest.fixture
def twilio() -> MockTwilio:
    mock = MockTwilio()
    mock.owns(NUMBER)
    return mock


def trunks(twilio: MockTwilio) -> Any:
    return Client(ACCOUNT, TOKEN, http_client=twilio).trunking.v1.trunks


def ours(twilio: MockTwilio) -> Any:
    return trunks(twilio).list()[0]


async def looked_at(
    wanted: Line,
    http: MockTwilio,
    *transfers: str,
    token: str = TOKEN,
) -> list[Finding]:
    account = Account(Login.from_secrets({**SECRETS, "TWILIO_AUTH_TOKEN": token}), http)
    return await doctor.look(Reporter("Twilio"), account, wanted, transfers)


def only(found: list[Finding]) -> Finding:
    (one,) = found
    return one


async def test_an_applied_line_is_fine(twilio: MockTwilio) -> None:
    await make(side(line(), twilio))
    found = only(await looked_at(line(), twilio, DESK))
    assert found.verdict is Verdict.OK
    assert "sip:voice.example.com:5060" in found.says


async def test_nothing_is_changed(twilio: MockTwilio) -> None:
    await make(side(line(), twilio))
    twilio.forget()
    await looked_at(line(), twilio)
    assert twilio.asked
    assert twilio.changes == []


async def test_a_wrong_token_says_what_to_look_at(twilio: MockTwilio) -> None:
    found = only(await looked_at(line(), twilio, token="f" * 32))
    assert found.verdict is Verdict.FAILED
    assert "TWILIO_AUTH_TOKEN" in (found.fix or "")
    assert "ffff" not in str(found)


async def test_no_trunk_of_the_lines_name(twilio: MockTwilio) -> None:
    found = await looked_at(line(), twilio)
    assert found[0].verdict is Verdict.FAILED
    assert "no trunk 'parley main'" in found[0].says


async def test_a_number_that_is_not_owned(twilio: MockTwilio) -> None:
    await make(side(line(), twilio))
    more = line(numbers=[{"number": each, "persona": "receptionist"} for each in (NUMBER, SECOND)])
    assert f"does not own {SECOND}" in only(await looked_at(more, twilio)).says


async def test_a_number_on_another_trunk(twilio: MockTwilio) -> None:
    await make(side(line(), twilio))
    ours(twilio).phone_numbers.list()[0].delete()
    assert "on no trunk" in only(await looked_at(line(), twilio)).says
    other = trunks(twilio).create(friendly_name="office")
    sid = Client(ACCOUNT, TOKEN, http_client=twilio).incoming_phone_numbers.list()[0].sid
    other.phone_numbers.create(sid)
    assert f"on trunk {other.sid}" in only(await looked_at(line(), twilio)).says


async def test_a_way_in_that_leads_elsewhere(twilio: MockTwilio) -> None:
    await make(side(line(), twilio))
    moved = line(public_host="new.example.com")
    found = only(await looked_at(moved, twilio))
    assert found.verdict is Verdict.FAILED
    assert "calls go to sip:voice.example.com" in found.says


async def test_a_way_in_that_is_switched_off(twilio: MockTwilio) -> None:
    await make(side(line(), twilio))
    ours(twilio).origination_urls.list()[0].update(enabled=False)
    assert "no origination URL" in only(await looked_at(line(), twilio)).says


async def test_a_trunk_that_is_not_as_secure(twilio: MockTwilio) -> None:
    await make(side(line(), twilio))
    ours(twilio).update(secure=True)
    assert "is secure" in only(await looked_at(line(), twilio)).says


@pytest.mark.parametrize(
    ("mode", "to", "refused"),
    [
        ("disable-all", [], False),
        ("disable-all", ["sip:desk@example.org"], True),
        ("sip-only", ["sip:desk@example.org"], False),
        ("sip-only", ["sip:desk@example.org", DESK], True),
        ("enable-all", [DESK], False),
    ],
)
async def test_transfers_that_the_trunk_does_not_allow(
    twilio: MockTwilio, mode: str, to: list[str], refused: bool
) -> None:
    wanted = line(transfer=mode)
    await make(side(wanted, twilio))
    found = only(await looked_at(wanted, twilio, *to))
    assert found.verdict is (Verdict.FAILED if refused else Verdict.OK)
    if refused:
        assert mode in found.says
        assert "enable-all" in (found.fix or "")


async def test_numbers_that_ask_for_twiml(twilio: MockTwilio) -> None:
    wanted = line(mode="twiml", voice_url=VOICE_URL)
    assert "does not ask" in only(await looked_at(wanted, twilio)).says
    await make(side(wanted, twilio))
    assert only(await looked_at(wanted, twilio)).verdict is Verdict.OK
    await make(side(line(), twilio))
    assert "ignores its voice URL" in only(await looked_at(wanted, twilio)).says
