"""What Twilio asks and tells: signed for our public address, or refused."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from ledger.tables import EventRow
from sip.line import Line
from tests.web.rig import CALLER, LINE, OURS, PASSWORD, PUBLIC, TOKEN, TWIML, Rig, serving

ASKED = {"CallSid": "CA1", "From": CALLER, "To": OURS}
TOLD = ASKED | {"CallStatus": "ringing", "To": f"sip:{OURS}@sip.example.com:5060"}


def signed(path: str, told: dict[str, str], *, url: str = PUBLIC, token: str = TOKEN) -> str:
    signature: str = RequestValidator(token).compute_signature(url + path, told)
    return signature


async def ask(
    rig: Rig, method: str, path: str, told: dict[str, str], signature: str
) -> tuple[int, str]:
    headers = {"X-Twilio-Signature": signature}
    async with rig.http.request(method, path, data=told, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_a_call_to_our_number_is_sent_to_the_bridge(rig: Rig) -> None:
    rig.line = Line.model_validate(TWIML)
    status, text = await ask(rig, "POST", "/twiml", ASKED, signed("/twiml", ASKED))
    assert status == 200
    dial = ET.fromstring(text).find("Dial")
    assert dial is not None
    assert (dial.get("answerOnBridge"), dial.get("timeLimit")) == ("true", "3600")
    sip = dial.find("Sip")
    assert sip is not None
    assert sip.text == f"sip:{OURS}@sip.example.com:5060;transport=tcp"
    assert (sip.get("username"), sip.get("password")) == ("parley", PASSWORD)
    assert sip.get("statusCallback") == f"{PUBLIC}/twilio/status"


async def test_twilio_may_ask_by_get(rig: Rig) -> None:
    rig.line = Line.model_validate(TWIML)
    path = f"/twiml?CallSid=CA1&From=%2B1202&To=%2B{OURS[1:]}"
    status, text = await ask(rig, "GET", path, {}, signed(path, {}))
    assert (status, "<Sip" in text) == (200, True)


async def test_a_call_to_another_number_is_rejected(rig: Rig) -> None:
    rig.line = Line.model_validate(TWIML)
    asked = ASKED | {"To": "+12025550199"}
    status, text = await ask(rig, "POST", "/twiml", asked, signed("/twiml", asked))
    assert (status, "<Reject" in text, "Sip" in text) == (200, True, False)


FORGED = {
    "unsigned": "",
    "nonsense": "AAAA",
    "another's token": signed("/twiml", ASKED, token="f" * 32),
    "not what is asked": signed("/twiml", ASKED | {"To": "+12025550199"}),
    "another address": signed("/twiml", ASKED, url="https://evil.example.com"),
    "another path": signed("/elsewhere", ASKED),
}


@pytest.mark.parametrize("path", ["/twiml", "/twiml/after", "/twilio/status"])
async def test_what_twilio_has_not_signed_is_refused(rig: Rig, path: str) -> None:
    rig.line = Line.model_validate(TWIML)
    rig.call(from_number=CALLER, to_number=OURS)
    for why, signature in FORGED.items():
        status, text = await ask(rig, "POST", path, ASKED, signature)
        assert status == 403, why
        assert PASSWORD not in text
    assert events(rig) == []


async def test_a_state_that_is_told_twice_stands_once(rig: Rig) -> None:
    rig.call("older", from_number=CALLER, to_number=OURS, direction="outbound")
    rig.call("c1", from_number=CALLER, to_number=OURS)
    path = "/twilio/status"
    for _ in range(2):
        assert await ask(rig, "POST", path, TOLD, signed(path, TOLD)) == (204, "")
    over = TOLD | {"CallStatus": "completed", "CallDuration": "12", "ApiVersion": "2010-04-01"}
    assert (await ask(rig, "POST", path, over, signed(path, over)))[0] == 204
    assert [(row.call_id, row.kind, row.details) for row in events(rig)] == [
        ("c1", "twilio", {"CallSid": "CA1", "CallStatus": "ringing"}),
        ("c1", "twilio", {"CallSid": "CA1", "CallStatus": "completed", "CallDuration": "12"}),
    ]


async def test_a_state_of_a_call_that_never_came_is_passed_over(rig: Rig) -> None:
    path = "/twilio/status"
    assert (await ask(rig, "POST", path, TOLD, signed(path, TOLD)))[0] == 204
    assert events(rig) == []


async def test_a_state_is_of_the_call_that_twilio_names(rig: Rig) -> None:
    """Not of the newest with the same numbers, where one of its INVITEs said Twilio's name for it."""
    rig.call("c1", from_number=CALLER, to_number=OURS, carrier_call_id="CA1")
    rig.call("c2", from_number=CALLER, to_number=OURS, carrier_call_id="CA2")
    path = "/twilio/status"
    child = TOLD | {"CallSid": "CA9", "ParentCallSid": "CA1"}
    for told in (TOLD, child):
        assert (await ask(rig, "POST", path, told, signed(path, told)))[0] == 204
    assert [row.call_id for row in events(rig)] == ["c1", "c1"]


OVERFLOW = "+12025550177"
CLOSED = "+12025550188"
FULL = TWIML | {
    "admission": {
        "when_full": {"do": "queue", "then": {"do": "transfer", "to": OVERFLOW}},
        "when_closed": {"do": "transfer", "to": CLOSED},
        "denied_callers": ["+1900"],
    }
}
BUSY = ASKED | {"DialCallStatus": "busy", "DialCallSid": "CA2", "DialSipResponseCode": "486"}
AFTER = "/twiml/after"


async def dialled_after(rig: Rig, told: dict[str, str]) -> str | None:
    """Whom Twilio calls then."""
    status, text = await ask(rig, "POST", AFTER, told, signed(AFTER, told))
    assert status == 200
    found = ET.fromstring(text).find("Dial/*")
    return None if found is None else found.text


async def test_twilio_asks_again_where_there_is_an_overflow_number(rig: Rig) -> None:
    for line, action in ((FULL, f"{PUBLIC}{AFTER}"), (TWIML, None)):
        rig.line = Line.model_validate(line)
        _, text = await ask(rig, "POST", "/twiml", ASKED, signed("/twiml", ASKED))
        dial = ET.fromstring(text).find("Dial")
        assert dial is not None
        assert dial.get("action") == action


@pytest.mark.parametrize(
    ("reason", "number"),
    [
        ("full", OVERFLOW),
        ("the wait was too long", OVERFLOW),
        ("closed", CLOSED),
        ("the caller calls too often", None),
    ],
)
async def test_who_is_refused_gets_the_number_of_the_reason(
    rig: Rig, reason: str, number: str | None
) -> None:
    rig.line = Line.model_validate(FULL)
    refused = {"outcome": "refused", "end_reason": f"refused: {reason}"}
    rig.call("c1", from_number=CALLER, to_number=OURS, carrier_call_id="CA2", **refused)
    assert await dialled_after(rig, BUSY) == number
    answered_first = BUSY | {"DialCallStatus": "completed"}
    assert await dialled_after(rig, answered_first) == number


async def test_where_nobody_answers_the_overflow_number_does(rig: Rig) -> None:
    rig.line = Line.model_validate(FULL)
    for status in ("busy", "no-answer", "failed"):
        assert await dialled_after(rig, BUSY | {"DialCallStatus": status}) == OVERFLOW
    assert await dialled_after(rig, BUSY | {"From": "+19005550123"}) is None


async def test_a_call_that_was_answered_is_over(rig: Rig) -> None:
    rig.line = Line.model_validate(FULL)
    rig.call("c1", from_number=CALLER, to_number=OURS, carrier_call_id="CA2", outcome="answered")
    assert await dialled_after(rig, BUSY | {"DialCallStatus": "completed"}) is None


async def test_an_overflow_number_may_be_a_sip_address(rig: Rig) -> None:
    to = {"do": "transfer", "to": "sip:desk@example.com"}
    rig.line = Line.model_validate(TWIML | {"admission": {"when_full": to}})
    assert await dialled_after(rig, BUSY) == "sip:desk@example.com"


async def test_in_mode_trunk_there_is_no_twiml(rig: Rig) -> None:
    rig.line = Line.model_validate(LINE)
    status, text = await ask(rig, "POST", "/twiml", ASKED, signed("/twiml", ASKED))
    assert (status, "not_twiml" in text) == (404, True)


async def test_without_a_public_address_nothing_can_be_checked(tmp_path: Path) -> None:
    async with serving(tmp_path, twilio=False) as rig:
        status, text = await ask(rig, "POST", "/twiml", ASKED, signed("/twiml", ASKED))
        assert (status, "PARLEY_WEB_PUBLIC_URL" in text) == (503, True)


def events(rig: Rig) -> list[EventRow]:
    with Session(rig.engine) as session:
        return list(session.scalars(select(EventRow).order_by(EventRow.at)))
