"""From what can go wrong with an engine to the errors LiveKit knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import aiohttp
from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError


@contextmanager
def api_errors(doing: str) -> Iterator[None]:
    """Raise only APIError kinds; `doing` completes "… while" in their messages."""
    try:
        yield
    except aiohttp.WSServerHandshakeError as error:
        raise _refused(error) from error
    except TimeoutError as error:
        raise APITimeoutError(f"the CSM engine took too long while {doing}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise APIConnectionError(f"the CSM engine cannot be reached while {doing}") from error


@contextmanager
def one_api_error() -> Iterator[None]:
    """A group that holds nothing but APIErrors raises the first of them alone."""
    try:
        yield
    except ExceptionGroup as group:
        error = _only_api_error(group)
        if error is None:
            raise
        raise error from error.__cause__


def _only_api_error(group: ExceptionGroup) -> APIError | None:
    known, others = group.split(APIError)
    if known is None or others is not None:
        return None
    error: Exception = known
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, APIError) else None


def _refused(error: aiohttp.WSServerHandshakeError) -> APIStatusError:
    if error.status == HTTPStatus.UNAUTHORIZED:
        message = "the CSM engine refused the key: pass TTS(key=…) the engine's CSM_LISTEN__KEY"
    elif error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        message = "the CSM engine is full or stopping"
    else:
        message = f"the CSM engine answered {error.status} instead of opening a socket"
    return APIStatusError(message, status_code=error.status)
