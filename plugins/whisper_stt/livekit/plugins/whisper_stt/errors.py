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
        raise APITimeoutError(f"the Whisper engine took too long while {doing}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise APIConnectionError(f"the Whisper engine cannot be reached while {doing}") from error


def one_api_error(group: ExceptionGroup) -> APIError:
    """The first APIError of a group. Anything else becomes one too, with the group as its cause.

    LiveKit stops hearing a caller for the rest of the call on any other exception.
    """
    known = group.subgroup(APIError)
    error: Exception | None = known
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, APIError) else APIConnectionError("hearing failed")


def _refused(error: aiohttp.WSServerHandshakeError) -> APIStatusError:
    if error.status == HTTPStatus.UNAUTHORIZED:
        message = "the Whisper engine refused the key: pass STT(key=…) its WHISPER_LISTEN__KEY"
    elif error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        message = "the Whisper engine is full or stopping"
    else:
        message = f"the Whisper engine answered {error.status} instead of opening a socket"
    return APIStatusError(message, status_code=error.status)
