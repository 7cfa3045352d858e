"""Who may: the bearer key of a request, its scopes and its rate."""

import math
import time
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from web.server.desk import TheDesk
from web.server.errors import ApiError
from web.server.keys import Key, KeyFileError, Scope

_bearer = HTTPBearer(
    auto_error=False, scheme_name="key", description="As `parley web key new` shows it."
)

Sent = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def holder(desk: TheDesk, sent: Sent) -> Key:
    """The key of the request, if it is one and has not been used too often."""
    try:
        key = desk.keys.holder(sent.credentials) if sent else None
    except KeyFileError as error:
        raise ApiError(503, "keys_unreadable", str(error)) from error
    if key is None:
        message = "send a key as `Authorization: Bearer …`: `parley web key new` makes one"
        raise ApiError(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})
    if wait := desk.limiter.take(key.id, time.monotonic()):
        seconds = math.ceil(wait)
        message = f"this key asks too often: wait {seconds} s"
        raise ApiError(429, "too_many_requests", message, {"Retry-After": str(seconds)})
    return key


Holder = Annotated[Key, Depends(holder)]


class Needs:
    """A dependency: the key of the request, which must have the scope."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, key: Holder) -> Key:
        require(key, self._scope)
        return key


def require(key: Key, scope: Scope) -> None:
    """Raises `ApiError`."""
    if not key.may(scope):
        message = f"this key lacks the scope {scope}: make one that has it by `parley web key new`"
        raise ApiError(403, "forbidden", message)


Reader = Annotated[Key, Depends(Needs(Scope.CALLS_READ))]
Writer = Annotated[Key, Depends(Needs(Scope.CALLS_WRITE))]
PersonaReader = Annotated[Key, Depends(Needs(Scope.PERSONAS_READ))]
