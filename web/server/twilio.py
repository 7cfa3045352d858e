"""What Twilio asks (`/twiml`: what to do with a call; `/twiml/after`: and with one that the agent did
not take) and tells (`/twilio/status`).

Both are signed with the account's token, over the address by which Twilio knows us.
"""

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from sqlalchemy import Engine, Select, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.twiml.voice_response import (  # type: ignore[import-untyped]
    Dial,
    VoiceResponse,
)

from agent.admission.decide import REFUSED, overflow_number, overflow_numbers
from agent.call import Outcome
from ledger.tables import CallRow, EventRow
from sip.line import Line, Number
from web.server.desk import Desk, TheDesk
from web.server.dials import line_of
from web.server.errors import ApiError

logger = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)

FIELDS = 200
LONGEST = 64
"""Characters of a value that is kept."""

KEPT = ("CallSid", "CallStatus", "CallDuration", "SipResponseCode", "ErrorCode", "Timestamp")
STATES = "initiated ringing answered completed"

SIDS = ("CallSid", "DialCallSid", "ParentCallSid")
"""Of the call, of its leg to us, and of the call whose leg is told of."""

UNTAKEN = frozenset({"busy", "no-answer", "failed"})
"""What becomes of a `<Dial>` that nobody answers."""

LONGEST_CALL = timedelta(days=1)


async def _signed(request: Request, desk: TheDesk) -> Mapping[str, str]:
    """The request's parameters. Raises `ApiError` unless Twilio signed them for us."""
    if desk.twilio is None:
        message = "nothing of Twilio's can be checked: set PARLEY_WEB_PUBLIC_URL, TWILIO_AUTH_TOKEN"
        raise ApiError(503, "twilio_not_set_up", message)
    query, body = request.url.query, await request.body()
    try:
        posted = _fields(body.decode()) if request.method == "POST" else {}
        asked = _fields(query)
    except ValueError:
        raise ApiError(403, "not_signed", "the parameters cannot be read") from None
    url = desk.twilio.public_url.rstrip("/") + request.url.path + (f"?{query}" if query else "")
    validator = RequestValidator(desk.twilio.token.get_secret_value())
    if not validator.validate(url, posted, request.headers.get("X-Twilio-Signature", "")):
        message = "not signed by Twilio: is PARLEY_WEB_PUBLIC_URL what Twilio calls?"
        raise ApiError(403, "not_signed", message)
    return asked | posted


Signed = Annotated[Mapping[str, str], Depends(_signed)]


@router.api_route("/twiml", methods=["GET", "POST"])
def twiml(desk: TheDesk, told: Signed) -> Response:
    """`<Dial><Sip>` to livekit-sip for a number of ours, `<Reject>` for any other."""
    line = line_of(desk)
    if line is None or line.mode != "twiml":
        message = "sip.yaml is missing or has not `mode: twiml`: in mode trunk Twilio asks nobody"
        raise ApiError(404, "not_twiml", message)
    number = next((each for each in line.numbers if each.number == told.get("To")), None)
    answer = VoiceResponse()
    if number is None:
        answer.reject()
    else:
        answer.append(_dial(desk, line, number))
    return Response(str(answer), media_type="application/xml")


@router.post("/twiml/after")
async def after(desk: TheDesk, told: Signed) -> Response:
    """The overflow number, where `sip.yaml` names one for why the call was not taken; else the end."""
    line = line_of(desk)
    answer = VoiceResponse()
    if line is not None:
        refused = await run_in_threadpool(_refused, desk.engine, told, desk.now())
        if refused is not None or told.get("DialCallStatus") in UNTAKEN:
            number = overflow_number(line.admission, refused, told.get("From"))
            if number is not None:
                answer.append(_dial_on(number))
    return Response(str(answer), media_type="application/xml")


@router.post("/twilio/status", status_code=204)
async def status(desk: TheDesk, told: Signed) -> Response:
    """Into the events of the call; told twice, it stands there once."""
    known = await run_in_threadpool(_note, desk.engine, told, desk.now())
    if not known:
        logger.info("Twilio tells of a call that never came here")
    return Response(status_code=204)


def _dial(desk: Desk, line: Line, number: Number) -> Dial:
    """Answered when the agent answers, so that a busy signal stays one."""
    assert desk.twilio is not None
    password = desk.environment.get(line.credentials.password)
    if not password:
        message = f"{line.credentials.password} is not set: put it into the file of secrets"
        raise ApiError(503, "no_password", message)
    way = line.ways_in[0].uri.removeprefix("sip:")
    public = desk.twilio.public_url.rstrip("/")
    overflows = overflow_numbers(line.admission)
    dial = Dial(
        answer_on_bridge=True,
        time_limit=number.max_call_seconds,
        **({"action": f"{public}/twiml/after", "method": "POST"} if overflows else {}),
    )
    dial.sip(
        f"sip:{number.number}@{way}" + (";secure=true" if line.secure else ""),
        username=line.credentials.username,
        password=password,
        status_callback=f"{public}/twilio/status",
        status_callback_event=STATES,
        status_callback_method="POST",
    )
    return dial


def _dial_on(number: str) -> Dial:
    dial = Dial(answer_on_bridge=True)
    if number.startswith("sip"):
        dial.sip(number)
    else:
        dial.number(number)
    return dial


def _refused(engine: Engine, told: Mapping[str, str], now: datetime) -> str | None:
    """Why the agent did not take the call; None: it did, or never saw it."""
    wanted = select(CallRow.end_reason).where(
        CallRow.outcome == Outcome.REFUSED, CallRow.id.in_(_call(told, now))
    )
    with Session(engine) as session:
        reason = session.scalar(wanted)
    return reason.removeprefix(REFUSED) if reason else None


def _note(engine: Engine, told: Mapping[str, str], now: datetime) -> bool:
    """False: the ledger knows no such call."""
    details = {name: told[name][:LONGEST] for name in KEPT if name in told}
    row = {"id": _event_id(told), "at": now, "kind": "twilio", "details": details}
    with Session(engine) as session:
        call_id = session.scalar(_call(told, now))
        if call_id is None:
            return False
        try:
            session.execute(insert(EventRow).values(call_id=call_id, **row))
            session.commit()
        except IntegrityError:
            logger.debug("Twilio tells it again")
    return True


def _call(told: Mapping[str, str], now: datetime) -> Select[str]:
    """The id of the call that Twilio means: by Twilio's own, or, where no INVITE of it said that, by
    the two numbers, the last one that came."""
    sids = [told[name] for name in SIDS if name in told]
    to = told.get("To", "").removeprefix("sip:").partition("@")[0]
    numbers = (CallRow.from_number == told.get("From")) & (CallRow.to_number == to)
    named = CallRow.carrier_call_id.in_(sids)
    return (
        select(CallRow.id)
        .where(named | (CallRow.carrier_call_id.is_(None) & numbers))
        .where(CallRow.started_at > now - LONGEST_CALL, CallRow.direction == "inbound")
        .order_by(CallRow.carrier_call_id.is_(None), CallRow.started_at.desc())
        .limit(1)
    )


def _event_id(told: Mapping[str, str]) -> int:
    """The same for the same state of the same call."""
    state = f"{told.get('CallSid')} {told.get('CallStatus')}".encode()
    return int.from_bytes(hashlib.sha256(state).digest()[:8]) >> 1


def _fields(text: str) -> dict[str, str]:
    """The first of each. Raises ValueError: too many, or no text."""
    read = parse_qs(text, keep_blank_values=True, max_num_fields=FIELDS)
    return {name: values[0] for name, values in read.items()}
