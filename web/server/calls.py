"""/v1/calls: the calls of the ledger."""

import base64
import binascii
import dataclasses
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response, StreamingResponse
from pydantic import BaseModel

from ledger.bucket import Bucket, BucketError, NoObjectError
from ledger.calls import read_call, read_row, to_json
from ledger.erasure import erase_call
from ledger.recordings import SOUNDS
from ledger.search import find_page
from ledger.waterfall import parts_of_turns
from web.server.access import Reader, Writer, require
from web.server.desk import TheDesk
from web.server.errors import ApiError, documented
from web.server.keys import Scope
from web.server.wanted import WantedCalls, in_utc

router = APIRouter(prefix="/v1/calls", tags=["calls"])

CallId = Annotated[str, InPath(pattern=r"^[A-Za-z0-9_.:@+-]{1,128}$")]


class Call(BaseModel):
    """One call. Durations are seconds, moments ISO 8601 with their zone; `cost` is in the currency of
    the prices, which sip.yaml has."""

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
    cost: float | None
    recorded: bool
    summary: str | None
    extracted: dict[str, Any] | None


class Turn(BaseModel):
    """`parts` are an answer's, in seconds: detect, transcribe, turn, think, speak, play, whole."""

    at: datetime
    role: str
    text: str
    interrupted: bool
    latencies: dict[str, Any]
    parts: dict[str, float]


class WholeCall(Call):
    turns: list[Turn]
    legs: list[dict[str, Any]]
    events: list[dict[str, Any]]
    tool_calls: list[dict[str, Any]]


class Calls(BaseModel):
    """`next` is the cursor of what follows; None: nothing does. Of a search a page may be short, and
    even empty, while something follows: `searched` is how far back it has looked."""

    calls: list[Call]
    next: str | None
    searched: datetime | None


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """What `to_json` says, without the paths and rooms of our machines."""
    return {**row, "recorded": row["recording"] is not None}


@router.get("", responses=documented())
def list_calls(
    desk: TheDesk,
    key: Reader,
    wanted: WantedCalls,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=400, description="`next` of a page.")] = None,
) -> Calls:
    """The newest first."""
    after = _read_cursor(cursor) if cursor else None
    found = find_page(desk.engine, dataclasses.replace(wanted, after=after), limit)
    numbers = key.may(Scope.CALLS_NUMBERS)
    page = [Call(**shown(to_json(row, numbers=numbers))) for row in found.calls]
    return Calls(
        calls=page,
        next=_cursor(*found.next) if found.next else None,
        searched=found.searched,
    )


@router.get("/{call_id}", responses=documented(404))
def show_call(desk: TheDesk, key: Reader, call_id: CallId) -> WholeCall:
    """One call, with its transcript and latencies. Numbers are masked without `calls:numbers`."""
    found = read_call(desk.engine, call_id, numbers=key.may(Scope.CALLS_NUMBERS))
    if found is None:
        raise no_such_call()
    turns = found["turns"]
    parts = parts_of_turns((turn["role"], turn["latencies"]) for turn in turns)
    found["turns"] = [turn | {"parts": each} for turn, each in zip(turns, parts, strict=True)]
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
    row = read_row(desk.engine, call_id)
    if row is None:
        raise no_such_call()
    where = row.recording
    if desk.bucket and where and desk.bucket.holds(where):
        return _from(desk.bucket, where, wanted)
    file = desk.shelf.file(where)
    if file is None:
        raise no_recording()
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


def no_recording() -> ApiError:
    message = "this call has no recording here: it was not recorded, or it was moved elsewhere"
    return ApiError(404, "no_recording", message)


def _from(bucket: Bucket, url: str, wanted: str | None) -> Response:
    """The object's bytes as they come, by way of this server: the bucket's key stays here."""
    try:
        found = bucket.get(url, wanted)
    except NoObjectError:
        raise no_recording() from None
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
        return in_utc(datetime.fromisoformat(at)), call_id.replace("\0", "")
    except (binascii.Error, ValueError):
        raise ApiError(422, "invalid", "query.cursor: send what `next` of a page holds") from None
