"""Each refusal of Twilio's names its fix, waits are bounded, and no secret is in any word."""

import json
import logging
import traceback

import pytest
import requests

from sip.changes import SideError, StoppedError
from sip.twilio_side import from_environment
from sip.twilio_side.account import PATIENCE, wait_before
from tests.fakes.virtual_time import on_virtual_time
from tests.sip.twilio.lines import NUMBER, PASSWORD, SECRETS, line, make, side, whole_line
from tests.sip.twilio.mock import TOKEN, Fault, MockTwilio

REFUSALS = {
    "revoked": (Fault(401, 20003), "Twilio does not know these credentials: check TWILIO_ACC"),
    "unauthorized": (Fault(401), "Twilio does not know these credentials"),
    "test credentials": (Fault(403, 20008), "use the account's live ones"),
    "suspended": (Fault(403, 20005), "the account is not active"),
    "restricted key": (Fault(403, 70051), "the API key may not do this: .+errors/70051"),
    "gone": (Fault(404, 20404), "run it again; if nothing is ever there, TWILIO_ACCOUNT_SID"),
    "conflict": (Fault(409, 20409), "somebody else is changing the line: run it again"),
    "broken": (Fault(500), r"Twilio is out of order \(HTTP 500\): run it again later"),
    "busy": (Fault(503, 20503), r"Twilio is out of order \(HTTP 503\)"),
    "trial": (Fault(400, 21244), "a trial account: one"),
    "trial number": (Fault(400, 21404), "upgrade the account"),
    "domain": (Fault(400, 21248), "the domain is taken"),
    "other": (Fault(400, 21245), "Twilio refuses: as the test wants it .+errors/21245"),
    "slow": (Fault(error=requests.ReadTimeout()), "did not answer in time.+run it again"),
    "unreachable": (
        Fault(error=requests.exceptions.SSLError()),
        r"Twilio cannot be reached \(SSLError\): check the network, the proxy",
    ),
}


@pytest.mark.parametrize(("fault", "words"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_names_its_fix(twilio: MockTwilio, fault: Fault, words: str) -> None:
    twilio.on_read = {0: fault}
    with pytest.raises(SideError, match=words):
        await side(line(), twilio).plan()

    twilio.forget()
    twilio.fail(0, fault)
    with pytest.raises(StoppedError, match=f"^create trunk 'parley main': .*{words}"):
        await make(side(line(), twilio))


async def test_an_answer_of_somebody_else_is_told(twilio: MockTwilio) -> None:
    twilio.on_read = {0: Fault(status=200)}

    with pytest.raises(SideError, match="a proxy may stand between"):
        await side(line(), twilio).plan()


async def test_a_wrong_account_is_told_before_anything_is_done(twilio: MockTwilio) -> None:
    secrets = {**SECRETS, "TWILIO_ACCOUNT_SID": "AC" + "e" * 32}

    with pytest.raises(SideError, match="cannot read the trunks: Twilio does not know these"):
        await side(line(), twilio, secrets=secrets).plan()


@on_virtual_time
async def test_twilio_is_left_alone_for_as_long_as_it_asks() -> None:
    twilio = account()
    twilio.on_read = {0: too_many("7"), 2: too_many("11")}
    twilio.on_change = {0: too_many("5")}

    done = await make(side(line(), twilio))

    assert len(twilio.changes) == len(done) + 1
    assert await side(line(), twilio).plan() == []


@on_virtual_time
async def test_twilio_is_not_waited_for_for_ever() -> None:
    twilio = account()
    twilio.on_read = dict.fromkeys(range(100), too_many("9"))

    with pytest.raises(SideError, match=r"asked too much at once .+ run it again in 9 s"):
        await side(line(), twilio).plan()

    assert len(twilio.asked) == 1 + PATIENCE // 9


@pytest.mark.parametrize(
    ("attempt", "after", "waited", "wait"),
    [
        (0, None, 0, 1),
        (3, None, 7, 8),
        (4, None, 15, None),
        (0, 30.0, 0, 30),
        (0, 31.0, 0, None),
        (1, 10.0, 20, 10),
        (1, 10.0, 21, None),
        (0, 0.0, 0, 1),
        (9, 0.0, 30, None),
    ],
)
def test_the_wait_before_a_request_is_made_again(
    attempt: int, after: float | None, waited: float, wait: float | None
) -> None:
    assert wait_before(attempt, after, waited) == wait


@pytest.mark.parametrize("fault", [fault for fault, _ in REFUSALS.values()], ids=REFUSALS)
async def test_no_secret_is_in_an_error(twilio: MockTwilio, fault: Fault) -> None:
    words = f"{PASSWORD} {TOKEN}"
    error = type(fault.error)(words) if fault.error else None
    quoting = Fault(fault.status, fault.code, words, error=error)
    twilio.on_change = {3: quoting}

    with pytest.raises(StoppedError) as stopped:
        await make(side(line(), twilio))

    assert not told("".join(traceback.format_exception(stopped.value)))


async def test_no_secret_is_in_a_plan_or_a_log(
    twilio: MockTwilio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ours = side(whole_line(), twilio, rotate=True)

    for changes in (await ours.plan(), await make(ours), await ours.plan()):
        assert not told(repr(changes) + json.dumps([each.to_json() for each in changes]))

    assert not told(repr(ours) + repr(ours.account) + caplog.text)


LOGINS: dict[str, tuple[dict[str, str], str]] = {
    "no account": ({"TWILIO_ACCOUNT_SID": ""}, "TWILIO_ACCOUNT_SID is missing"),
    "not an account": ({"TWILIO_ACCOUNT_SID": TOKEN}, "TWILIO_ACCOUNT_SID is wrong: it is AC"),
    "no token": ({"TWILIO_AUTH_TOKEN": ""}, "TWILIO_AUTH_TOKEN is missing, or TWILIO_API_KEY"),
    "half a key": ({"TWILIO_API_KEY": "SK" + "0" * 32}, "TWILIO_API_SECRET is missing"),
    "the other half": ({"TWILIO_API_SECRET": "x"}, "TWILIO_API_KEY is missing"),
    "not a key": (
        {"TWILIO_API_KEY": TOKEN, "TWILIO_API_SECRET": "x"},
        "TWILIO_API_KEY is wrong: it is SK",
    ),
    "a region alone": ({"TWILIO_REGION": "ie1"}, "TWILIO_REGION needs TWILIO_EDGE"),
    "no password": ({"PARLEY_TRUNK_PASSWORD": ""}, "PARLEY_TRUNK_PASSWORD is missing: choose"),
    "short": ({"PARLEY_TRUNK_PASSWORD": "Short-1"}, "too weak: 12 characters at least"),
    "no digit": ({"PARLEY_TRUNK_PASSWORD": "Correct-Horse-Staple"}, "too weak"),
    "no capital": ({"PARLEY_TRUNK_PASSWORD": "correct-horse-77"}, "too weak"),
    "no small": ({"PARLEY_TRUNK_PASSWORD": "CORRECT-HORSE-77"}, "too weak"),
}


@pytest.mark.parametrize(("more", "words"), LOGINS.values(), ids=LOGINS)
def test_what_is_missing_or_weak_is_told_before_twilio_is_asked(
    more: dict[str, str], words: str
) -> None:
    with pytest.raises(SideError, match=words) as refused:
        from_environment(line(), {**SECRETS, **more})

    assert not told(str(refused.value))
    assert more.get("PARLEY_TRUNK_PASSWORD") not in str(refused.value).split()


def test_the_password_is_the_one_that_the_line_names() -> None:
    named = line(credentials={"password": "OTHER_PASSWORD"})

    with pytest.raises(SideError, match="OTHER_PASSWORD is missing"):
        from_environment(named, SECRETS)


def account() -> MockTwilio:
    twilio = MockTwilio()
    twilio.owns(NUMBER)
    return twilio


def too_many(seconds: str) -> Fault:
    return Fault(429, 20429, headers={"Retry-After": seconds})


def told(words: str) -> list[str]:
    """Which secrets are in `words`."""
    return [each for each in (PASSWORD, TOKEN) if each in words]
