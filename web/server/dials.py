"""Calls that we place: into the queue, out of it, and what came of them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from agent.call import BadRequestError, CallRequest
from agent.persona import PersonaError, filled, load_persona
from agent.yaml_file import BadFileError
from ledger.redaction import masked, redacted
from sip.line import E164, Line, PersonaName
from sip.numbers import classify
from sip.outbound.dialler import read_policy
from sip.outbound.hours import NoZoneError
from sip.outbound.queue import Dial, Order, Queue, State
from web.server.access import Reader, Writer
from web.server.desk import Desk, TheDesk
from web.server.errors import ApiError, documented
from web.server.keys import Key, Scope
from web.server.wanted import Moment

router = APIRouter(prefix="/v1", tags=["dials"])

DialId = Annotated[str, Path(pattern=r"^dial-[0-9a-f]{12}$")]
Value = Annotated[str, Field(max_length=1000)]


class NewCall(BaseModel):
    """Whom to call, and who talks. `vars` are the persona's; `due_at` is now, if not given."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    to: Annotated[str, Field(max_length=32, description="In international form.")]
    persona: PersonaName
    from_: Annotated[E164 | None, Field(alias="from")] = None
    vars: Annotated[dict[str, Value], Field(max_length=50)] = {}
    due_at: Moment | None = None


class DialView(BaseModel):
    """`call_id` is there once it may have rung; `words` say why, for a person."""

    id: str
    to: str
    from_: Annotated[str, Field(serialization_alias="from")]
    persona: str
    state: State
    attempts: int
    due_at: datetime
    call_id: str | None
    outcome: str | None
    sip_code: int | None
    words: str | None


@router.post(
    "/calls",
    status_code=202,
    response_model_by_alias=True,
    responses=documented(400),
    tags=["calls"],
)
def place_call(desk: TheDesk, key: Writer, wanted: NewCall) -> DialView:
    """Have somebody called. Outside the calling hours it waits until they begin.

    What the line's policy refuses is 422: `code` is `refused_` and the rule.
    """
    line = _line(desk)
    from_ = wanted.from_ or line.caller_id
    to = classify(wanted.to).e164
    due_at = _allowed_at(desk, line, wanted.to, from_, wanted.due_at)
    order = Order(to, from_, wanted.persona, dict(wanted.vars), due_at)
    _refuse_a_wrong_persona(desk, order)
    queue = _queue(desk)
    dial = queue.get(queue.add(order, desk.now()))
    assert dial is not None, "somebody removed it from the ledger"
    return _shown(dial, key)


@router.get("/dials/{dial_id}", response_model_by_alias=True, responses=documented(404))
def show_dial(desk: TheDesk, key: Reader, dial_id: DialId) -> DialView:
    """What has become of a call that we place."""
    dial = _queue(desk).get(dial_id)
    if dial is None:
        raise _no_such_dial()
    return _shown(dial, key)


@router.delete("/dials/{dial_id}", status_code=204, responses=documented(404, 409))
def cancel_dial(desk: TheDesk, key: Writer, dial_id: DialId) -> Response:
    """Whoever dials it hangs up within a second or two. 409: it is over."""
    queue = _queue(desk)
    if queue.cancel(dial_id):
        return Response(status_code=204)
    if queue.get(dial_id) is None:
        raise _no_such_dial()
    message = "it is over: a call that goes on is hung up by POST /v1/live/{id}/hangup"
    raise ApiError(409, "dial_is_over", message)


def line_of(desk: Desk) -> Line | None:
    """Raises `ApiError`: what there is cannot be read."""
    try:
        return desk.line()
    except BadFileError as error:
        raise ApiError(503, "line_unreadable", str(error)) from error


def _line(desk: Desk) -> Line:
    line = line_of(desk)
    if line is None or "outbound" not in line.model_fields_set:
        message = "sip.yaml does not say how we call others: give it `outbound`, and apply it"
        raise ApiError(422, "no_line", message)
    return line


def _allowed_at(desk: Desk, line: Line, to: str, from_: str, due_at: datetime | None) -> datetime:
    """When it may be placed. Raises `ApiError`."""
    now = desk.now()
    wanted = max(now, due_at or now)
    try:
        refusal = read_policy(line).refusal(to, from_, wanted)
    except (BadFileError, NoZoneError) as error:
        raise ApiError(503, "line_unreadable", str(error)) from error
    if refusal is None:
        return wanted
    if refusal.until is None:
        raise ApiError(422, f"refused_{refusal.rule}", refusal.reason)
    return refusal.until


def _refuse_a_wrong_persona(desk: Desk, order: Order) -> None:
    """Before anybody is rung. Raises `ApiError`."""
    try:
        persona = load_persona(desk.personas, order.persona, desk.environment)
        filled(persona, CallRequest(vars=dict(order.vars)), desk.now().astimezone())
    except (PersonaError, BadRequestError) as error:
        raise ApiError(422, "wrong_persona", str(error)) from error


def _queue(desk: Desk) -> Queue:
    return Queue(desk.engine, "web")


def _shown(dial: Dial, key: Key) -> DialView:
    numbers = key.may(Scope.CALLS_NUMBERS)
    facts: dict[str, Any] = {
        "id": dial.id,
        "to": dial.order.to if numbers else masked(dial.order.to),
        "from_": dial.order.from_ if numbers else masked(dial.order.from_),
        "persona": dial.order.persona,
        "state": dial.state,
        "attempts": dial.attempts,
        "due_at": dial.due_at,
        "call_id": dial.call_id,
        "outcome": dial.outcome,
        "sip_code": dial.sip_code,
        "words": redacted(dial.words) if dial.words and not numbers else dial.words,
    }
    return DialView(**facts)


def _no_such_dial() -> ApiError:
    return ApiError(404, "no_such_dial", "there is no such dial: POST /v1/calls returns its id")
