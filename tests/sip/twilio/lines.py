"""Lines and logins that the tests share."""

from collections.abc import Mapping, Sequence
from typing import Any

from twilio.http import HttpClient  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from sip.changes import Change, apply
from sip.line import Line
from sip.twilio_side import TwilioSide, from_environment
from tests.sip.twilio.mock import ACCOUNT, TOKEN, MockTwilio

NUMBER, SECOND = "+15550100001", "+15550100002"
PASSWORD = "Correct-Horse-77"

SECRETS = {
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": TOKEN,
    "PARLEY_TRUNK_PASSWORD": PASSWORD,
}


def line(**more: Any) -> Line:
    """The smallest."""
    given = {
        "public_host": "voice.example.com",
        "domain": "parley-test",
        "numbers": [{"number": NUMBER, "persona": "receptionist"}],
    }
    return Line.model_validate({**given, **more})


def whole_line(**more: Any) -> Line:
    """All that a line can ask of Twilio's trunk."""
    given = {
        "secure": True,
        "transport": "tls",
        "bridge": {"certificate": "cert.pem", "key": "key.pem"},
        "numbers": [{"number": each, "persona": "receptionist"} for each in (NUMBER, SECOND)],
        "origination": [
            {"uri": "sip:a.example.com:5061;transport=tls", "priority": 10, "weight": 20},
            {"uri": "sip:b.example.com:5061;transport=tls", "priority": 20},
        ],
        "allowed_ips": ["203.0.113.7/32", "198.51.100.0/28"],
        "recording": "record-from-answer-dual",
        "disaster_recovery_url": "https://voice.example.com/sorry.xml",
        "spend": {"daily_usd": 25, "callback_url": "https://voice.example.com/spend"},
    }
    return line(**{**given, **more})


def side(
    wanted: Line,
    http: HttpClient,
    *,
    secrets: Mapping[str, str] = SECRETS,
    rotate: bool = False,
) -> TwilioSide:
    return from_environment(wanted, secrets, rotate=rotate, http=http)


async def make(wanted: TwilioSide) -> list[Change]:
    """Plans and applies: what was done."""
    return await do(await wanted.plan())


async def do(changes: Sequence[Change]) -> list[Change]:
    return [change async for change in apply(changes)]


def console(twilio: MockTwilio) -> Client:
    """Somebody who changes things by hand."""
    return Client(ACCOUNT, TOKEN, http_client=twilio)


def owned(twilio: MockTwilio, number: str) -> Any:
    [found] = console(twilio).incoming_phone_numbers.list(phone_number=number)
    return found
