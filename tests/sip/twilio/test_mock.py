"""The mock refuses what Twilio's description does not know: else nothing it takes would tell."""

from collections.abc import Callable
from typing import Any

import pytest
from openapi_core.exceptions import OpenAPIError
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from tests.sip.twilio.lines import console
from tests.sip.twilio.mock import ACCOUNT, MockTwilio

WRONG: dict[str, Callable[[Any], object]] = {
    "value": lambda client: client.trunking.v1.trunks.create(transfer_mode="perhaps"),
    "type": lambda client: client.request(
        "POST", "https://trunking.twilio.com/v1/Trunks", data={"Secure": "perhaps"}
    ),
    "sid": lambda client: client.trunking.v1.trunks("TK1").fetch(),
}


@pytest.mark.parametrize("request_", WRONG.values(), ids=WRONG)
def test_a_request_that_twilio_does_not_know(
    twilio: MockTwilio, request_: Callable[[Any], object]
) -> None:
    with pytest.raises(OpenAPIError):
        request_(console(twilio))


def test_names_that_are_unknown_or_missing(twilio: MockTwilio) -> None:
    client, trunks = console(twilio), "https://trunking.twilio.com/v1/Trunks"

    with pytest.raises(AssertionError, match=r"unknown: .*Nmae"):
        client.request("GET", trunks, params={"Nmae": "x"})
    with pytest.raises(AssertionError, match=r"unknown: .*Nmae"):
        client.request("POST", trunks, data={"Nmae": "x"})
    with pytest.raises(AssertionError, match=r"missing: .*SipUrl"):
        client.request("POST", f"{trunks}/TK{'0' * 32}/OriginationUrls", data={})


def test_an_answer_that_twilio_would_not_give(twilio: MockTwilio) -> None:
    twilio.store.create("Trunks", {"friendly_name": "x", "colour": "green"})

    with pytest.raises(OpenAPIError):
        console(twilio).trunking.v1.trunks.list()


def test_a_wrong_token(twilio: MockTwilio) -> None:
    with pytest.raises(TwilioRestException) as refused:
        Client(ACCOUNT, "other", http_client=twilio).trunking.v1.trunks.create()

    assert (refused.value.status, refused.value.code) == (401, 20003)
