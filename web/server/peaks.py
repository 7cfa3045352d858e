"""/v1/calls/ID/peaks: the picture of a recording."""

import tempfile
from typing import IO, Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from ledger.bucket import BucketError, NoObjectError
from ledger.calls import read_row
from web.server.access import Reader
from web.server.calls import CallId, no_recording, no_such_call
from web.server.desk import Desk, TheDesk
from web.server.errors import ApiError, documented
from web.server.waveform import BusyError, NotSoundError

router = APIRouter(prefix="/v1/calls", tags=["calls"])

IN_MEMORY = 8_000_000
"""Bytes of a recording from a bucket; a longer one goes through a file that has no name."""

LONGEST = 250_000_000
"""Bytes: four hours as WAV files have them."""


class Peaks(BaseModel):
    """The greatest amplitude of each piece, 0 to 1, the whole being `seconds` long."""

    seconds: float
    caller: tuple[float, ...]
    agent: tuple[float, ...]


@router.get("/{call_id}/peaks", responses=documented(404))
def peaks(
    desk: TheDesk,
    key: Reader,
    call_id: CallId,
    pieces: Annotated[int, Query(ge=16, le=2000)] = 600,
) -> Peaks:
    """Of the recording, in so many pieces at most; no word of it."""
    row = read_row(desk.engine, call_id)
    if row is None:
        raise no_such_call()
    if row.recording is None:
        raise no_recording()
    recording = row.recording
    try:
        found = desk.waveforms.of(recording, pieces, lambda: _sound(desk, recording))
    except NotSoundError:
        message = "the recording cannot be read: it is damaged, or still being written"
        raise ApiError(404, "no_recording", message) from None
    except BusyError:
        message = "other recordings are being looked at: try again"
        raise ApiError(503, "busy", message, {"Retry-After": "2"}) from None
    return Peaks(seconds=found.seconds, caller=found.caller, agent=found.agent)


def _sound(desk: Desk, recording: str) -> str | IO[bytes]:
    """Raises `ApiError`."""
    if file := desk.shelf.file(recording):
        return str(file)
    if not (desk.bucket and desk.bucket.holds(recording)):
        raise no_recording()
    copy = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # who reads it lets it go
    try:
        for piece in desk.bucket.get(recording).pieces:
            copy.write(piece)
            if copy.tell() > LONGEST:
                raise NotSoundError("too long")
    except NoObjectError:
        raise no_recording() from None
    except BucketError as error:
        message = f"{error}: see that it can be reached, and try again"
        raise ApiError(503, "bucket_unavailable", message, {"Retry-After": "30"}) from error
    copy.seek(0)
    return copy
