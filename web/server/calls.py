"""/v1/calls: the calls of the ledger."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel

from agent.call import Outcome
from ledger.calls import Wanted, find_calls, read_call, to_json
from ledger.erasure import erase_call
from sip.line import E164, PersonaName
from web.server.access import Reader, Writer, require
from web.server.desk import Desk, TheDesk
from web.server.errors import ApiError, documented
from web.server.keys import Scope

router = APIRouter(prefix="/v1/calls", tags=["calls"])

CallId = Annotated[str, InPath(pattern=r"^[A-Za-z0-9_.:@+-]{1,128}$")]

SOUNDS = {".ogg": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav"}


def _in_utc(given: datetime) -> datetime:
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise ValueError("a moment that no calendar has: give a year of this century") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Call(BaseModel):
    """One call. Durations are seconds, moments ISO 8601 with their zone."""

    id: str
    direction: str
    persona: str
    from_number: str | None
    to_number: str | None
    test: bool
    state: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    end_reason: str | None
    heard_seconds: float
    spoken_seconds: float
    usage: dict[str, Any]
    recorded: bool
    summary: str | None
    extracted: dict[str, Any] | None


class Turn(BaseModel):
    at: datetime
    role: str
    text: str
    interrupted: bool
    latencies: dict[str, Any]


class WholeCall(Call):
    turns: list[Turn]
    legs: list[dict[str, Any]]
    events: list[dict[str, Any]]
    tool_calls: list[dict[str, Any]]


class Calls(BaseModel):
    """`next` is the cursor of what follows; None: nothing does."""

    calls: list[Call]
    next: str | None


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """What `to_json` says, without the paths and rooms of our machines."""
    return {**row, "recorded": row["recording"] is not None}


@router.get("", responses=documented())
def list_calls(  # noqa: PLR0917  # FastAPI calls it by name
    desk: TheDesk,
    key: Reader,
    since: Annotated[Moment | None, Query(description="Started then or later.")] = None,
    before: Annotated[Moment | None, Query(description="Started before.")] = None,
    persona: PersonaName | None = None,
    outcome: Outcome | None = None,
    number: Annotated[
        E164 | None, Query(description="Either end's; needs the scope `calls:numbers`.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=400, description="`next` of a page.")] = None,
) -> Calls:
    """The newest first."""
    if number:
        require(key, Scope.CALLS_NUMBERS)
    after = _read_cursor(cursor) if cursor else None
    wanted = Wanted(since, before, persona, outcome, number, after)
    rows = list(find_calls(desk.engine, wanted, limit + 1))
    numbers = key.may(Scope.CALLS_NUMBERS)
    page = [Call(**shown(to_json(row, numbers=numbers))) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return Calls(calls=page, next=_cursor(last.started_at, last.id) if last else None)


@router.get("/{call_id}", responses=documented(404))
def show_call(desk: TheDesk, key: Reader, call_id: CallId) -> WholeCall:
    """One call, with its transcript and latencies. Numbers are masked without `calls:numbers`."""
    found = read_call(desk.engine, call_id, numbers=key.may(Scope.CALLS_NUMBERS))
    if found is None:
        raise no_such_call()
    return WholeCall(**shown(found))


@router.get(
    "/{call_id}/recording",
    response_class=FileResponse,
    responses=documented(404)
    | {200: {"content": {"audio/ogg": {}, "audio/wav": {}}, "description": "Stereo."}},
)
def recording(desk: TheDesk, key: Reader, call_id: CallId) -> FileResponse:
    """Its sound. In it no number is masked, so it needs the scope `calls:numbers`, too."""
    require(key, Scope.CALLS_NUMBERS)
    found = read_call(desk.engine, call_id, numbers=True)
    if found is None:
        raise no_such_call()
    file = _file_of(desk, found["recording"])
    if file is None:
        message = "this call has no recording here: it was not recorded, or it was moved elsewhere"
        raise ApiError(404, "no_recording", message)
    return FileResponse(file, media_type=SOUNDS[file.suffix], filename=file.name)


@router.delete("/{call_id}", status_code=204, responses=documented(404, 409))
def delete_call(desk: TheDesk, key: Writer, call_id: CallId) -> Response:
    """Erase a call that is over, with its recording."""
    erased = erase_call(desk.engine, call_id)
    if erased.kept:
        raise ApiError(409, "call_goes_on", "the call goes on: hang up, and erase it then")
    if not erased.calls:
        raise no_such_call()
    for path in erased.recordings:
        if file := _file_of(desk, path):
            file.unlink(missing_ok=True)
    return Response(status_code=204)


def no_such_call() -> ApiError:
    return ApiError(404, "no_such_call", "there is no such call: GET /v1/calls names them")


def _file_of(desk: Desk, path: str | None) -> Path | None:
    """Only what lies among the recordings: a path in a database is no permission to read it."""
    if path is None:
        return None
    file = Path(path).resolve()
    inside = file.is_relative_to(desk.recordings.resolve())
    return file if inside and file.suffix in SOUNDS and file.is_file() else None


def _cursor(at: datetime, call_id: str) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {call_id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, call_id = base64.urlsafe_b64decode(cursor.encode()).decode("ascii").partition(" ")
        return _in_utc(datetime.fromisoformat(at)), call_id.replace("\0", "")
    except (binascii.Error, ValueError):
        raise ApiError(422, "invalid", "query.cursor: send what `next` of a page holds") from None
