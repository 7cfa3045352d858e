"""What Twilio asks (`/twiml`: what to do with a call) and tells (`/twilio/status`).

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
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.twiml.voice_response import (  # type: ignore[import-untyped]
    Dial,
    VoiceResponse,
)

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
    dial = Dial(answer_on_bridge=True, time_limit=number.max_call_seconds)
    dial.sip(
        f"sip:{number.number}@{way}" + (";secure=true" if line.secure else ""),
        username=line.credentials.username,
        password=password,
        status_callback=f"{desk.twilio.public_url.rstrip('/')}/twilio/status",
        status_callback_event=STATES,
        status_callback_method="POST",
    )
    return dial


def _note(engine: Engine, told: Mapping[str, str], now: datetime) -> bool:
    """False: the ledger knows no such call. Twilio's id is not ours, the two numbers are."""
    to = told.get("To", "").removeprefix("sip:").partition("@")[0]
    wanted = (
        select(CallRow.id)
        .where(CallRow.from_number == told.get("From"), CallRow.to_number == to)
        .where(CallRow.started_at > now - LONGEST_CALL, CallRow.direction == "inbound")
        .order_by(CallRow.started_at.desc())
        .limit(1)
    )
    details = {name: told[name][:LONGEST] for name in KEPT if name in told}
    row = {"id": _event_id(told), "at": now, "kind": "twilio", "details": details}
    with Session(engine) as session:
        call_id = session.scalar(wanted)
        if call_id is None:
            return False
        try:
            session.execute(insert(EventRow).values(call_id=call_id, **row))
            session.commit()
        except IntegrityError:
            logger.debug("Twilio tells it again")
    return True


def _event_id(told: Mapping[str, str]) -> int:
    """The same for the same state of the same call."""
    state = f"{told.get('CallSid')} {told.get('CallStatus')}".encode()
    return int.from_bytes(hashlib.sha256(state).digest()[:8]) >> 1


def _fields(text: str) -> dict[str, str]:
    """The first of each. Raises ValueError: too many, or no text."""
    read = parse_qs(text, keep_blank_values=True, max_num_fields=FIELDS)
    return {name: values[0] for name, values in read.items()}
