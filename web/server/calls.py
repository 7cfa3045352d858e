"""/v1/calls: the calls of the ledger."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response, StreamingResponse
from pydantic import AfterValidator, AwareDatetime, BaseModel

from agent.call import Outcome
from ledger.bucket import Bucket, BucketError, NoObjectError
from ledger.calls import Wanted, find_calls, read_call, to_json
from ledger.erasure import erase_call
from ledger.recordings import SOUNDS
from sip.line import E164, PersonaName
from web.server.access import Reader, Writer, require
from web.server.desk import TheDesk
from web.server.errors import ApiError, documented
from web.server.keys import Scope

router = APIRouter(prefix="/v1/calls", tags=["calls"])

CallId = Annotated[str, InPath(pattern=r"^[A-Za-z0-9_.:@+-]{1,128}$")]


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
    responses=documented(404, 503)
    | {200: {"content": {"audio/ogg": {}, "audio/wav": {}}, "description": "Stereo."}},
)
def recording(
    desk: TheDesk,
    key: Reader,
    call_id: CallId,
    wanted: Annotated[str | None, Header(alias="range", include_in_schema=False)] = None,
) -> Response:
    """Its sound. In it no number is masked, so it needs the scope `calls:numbers`, too."""
    require(key, Scope.CALLS_NUMBERS)
    found = read_call(desk.engine, call_id, numbers=True)
    if found is None:
        raise no_such_call()
    where = found["recording"]
    if desk.bucket and where and desk.bucket.holds(where):
        return _from(desk.bucket, where, wanted)
    file = desk.shelf.file(where)
    if file is None:
        raise _no_recording()
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
        desk.shelf.remove(path)
    return Response(status_code=204)


def no_such_call() -> ApiError:
    return ApiError(404, "no_such_call", "there is no such call: GET /v1/calls names them")


def _no_recording() -> ApiError:
    message = "this call has no recording here: it was not recorded, or it was moved elsewhere"
    return ApiError(404, "no_recording", message)


def _from(bucket: Bucket, url: str, wanted: str | None) -> Response:
    """The object's bytes as they come, by way of this server: the bucket's key stays here."""
    try:
        found = bucket.get(url, wanted)
    except NoObjectError:
        raise _no_recording() from None
    except BucketError as error:
        message = f"{error}: see that it can be reached, and try again"
        raise ApiError(503, "bucket_unavailable", message, {"Retry-After": "30"}) from error
    name = PurePosixPath(url)
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(found.size),
        "Content-Disposition": f'attachment; filename="{name.name}"',
    }
    if found.range:
        headers["Content-Range"] = found.range
    kind = SOUNDS.get(name.suffix, "application/octet-stream")
    return StreamingResponse(found.pieces, 206 if found.range else 200, headers, kind)


def _cursor(at: datetime, call_id: str) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {call_id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, call_id = base64.urlsafe_b64decode(cursor.encode()).decode("ascii").partition(" ")
        return _in_utc(datetime.fromisoformat(at)), call_id.replace("\0", "")
    except (binascii.Error, ValueError):
        raise ApiError(422, "invalid", "query.cursor: send what `next` of a page holds") from None
