"""A request whose body is bounded, however it is sent."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from parley_serving.errors import ApiError

LEFT = Response(status_code=499)
"""To a client that left before all of its request had come: nobody gets it."""


def bounded(request: Request, most: int) -> Request:
    """The same, whose body raises ApiError once it is longer than `most` bytes.

    Raises it at once where the client says how long it is.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise _too_large(most)
    got = 0

    async def receive() -> Message:
        nonlocal got
        message = await request.receive()
        got += len(message.get("body", b""))
        if got > most:
            raise _too_large(most)
        return message

    return Request(request.scope, receive)


def _too_large(most: int) -> ApiError:
    return ApiError(413, "too_large", f"a request may have {most} bytes: send less at once")
