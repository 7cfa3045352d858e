"""Callers who must not get in: they are told so, and there is no room and no job."""

import pytest
from pydantic import SecretStr

from sip.simulate.caller import CallFailedError, call
from sip.simulate.phone import phone_call
from sip.simulate.stack import Stack as Line
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import NO_CALLS, Switchboard
from tests.e2e.talk import NUMBER
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]

STRANGER = "+15550170000"
SOON = 3
"""Seconds in which a call that will be answered has been."""


@pytest.mark.parametrize(
    "credentials",
    [
        {"sip_password": SecretStr("guessed")},
        {"sip_username": "somebody"},
        {"sip_username": "", "sip_password": SecretStr("")},
    ],
    ids=["wrong-digest", "wrong-name", "no-credentials"],
)
async def test_a_caller_without_the_credentials_is_rejected(
    parley: Stack, switchboard: Switchboard, credentials: dict[str, object]
) -> None:
    line = line_to(parley, **credentials)
    async with switchboard.watched() as seen:
        with pytest.raises(CallFailedError, match=r"40[13]"):
            async with phone_call(line, to=NUMBER, from_=STRANGER):
                pass
    assert seen == {NO_CALLS}


async def test_a_number_that_is_not_ours_is_not_answered(
    line: Line, switchboard: Switchboard
) -> None:
    async with switchboard.watched() as seen:
        with pytest.raises(CallFailedError):
            async with call(line, to="+15559999", from_=STRANGER, ringing=SOON):
                pass
    assert seen == {NO_CALLS}
