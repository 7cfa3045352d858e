"""/v1/live/events: the live events, as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from ledger.calls import to_json
from web.server.access import Reader
from web.server.desk import TheFeed
from web.server.errors import ApiError, documented
from web.server.feed import Event, Feed
from web.server.keys import Scope

router = APIRouter(prefix="/v1/live", tags=["live"])

KEEP_ALIVE = 15.0
"""Seconds without an event after which a comment says that the connection is alive."""

HIDDEN = frozenset({"room", "worker", "recording"})
"""Columns that are our machines' business."""


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses=documented() | {200: {"content": {"text/event-stream": {}}, "description": "SSE."}},
)
async def events(key: Reader, feed: TheFeed) -> StreamingResponse:
    """Server-sent events, until the client leaves: `ready`, `call.started`, `turn`, `call.ended`.

    A client that does not keep up is sent `overflow`, and all `closed` when the server stops;
    then the stream ends.
    """
    if not feed.has_room:
        message = "too many clients listen: end one, or try again"
        raise ApiError(503, "too_many_listeners", message, {"Retry-After": "5"})
    stream = _stream(feed, key.may(Scope.CALLS_NUMBERS))
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _stream(feed: Feed, numbers: bool) -> AsyncIterator[str]:
    with feed.listening() as listener:
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE):
                    event = await listener.next()
            except TimeoutError:
                yield ": alive\n\n"
                continue
            yield _written(event, numbers) if event else "event: overflow\ndata: {}\n\n"
            if event is None or event.kind == "closed":
                return


def _written(event: Event, numbers: bool) -> str:
    """As the WHATWG's HTML standard has server-sent events."""
    row = to_json(event.row, numbers=numbers) if event.row is not None else {}
    data = {name: value for name, value in row.items() if name not in HIDDEN}
    if event.call_id:
        data["call_id"] = event.call_id
    return f"event: {event.kind}\ndata: {json.dumps(data)}\n\n"
