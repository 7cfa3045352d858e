"""Who may: the bearer key of a request, or the browser that shows our pages; scopes and rate."""

import math
import time
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from web.server.desk import Desk, TheDesk
from web.server.entry import cookie_name
from web.server.errors import ApiError
from web.server.keys import Key, KeyFileError, Scope
from web.server.visitors import Source, is_of_this_machine, source

_bearer = HTTPBearer(
    auto_error=False, scheme_name="key", description="As `parley web key new` shows it."
)

Sent = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def holder_if_any(request: Request, desk: TheDesk, sent: Sent) -> Key | None:
    """The key of the request, or what stands for one in a browser that is signed in.

    Raises `ApiError` for a key that is none, or was used too often, and for others' pages.
    """
    key = _of_key(desk, sent.credentials) if sent else visitor(request, desk)
    if key and (wait := desk.limiter.take(key.id, time.monotonic())):
        seconds = math.ceil(wait)
        message = f"this key asks too often: wait {seconds} s"
        raise ApiError(429, "too_many_requests", message, {"Retry-After": str(seconds)})
    return key


MaybeHolder = Annotated[Key | None, Depends(holder_if_any)]


def holder(key: MaybeHolder) -> Key:
    """Raises `ApiError`."""
    if key is None:
        raise _nobody()
    return key


def _of_key(desk: Desk, sent: str) -> Key:
    try:
        key = desk.keys.holder(sent)
    except KeyFileError as error:
        raise ApiError(503, "keys_unreadable", str(error)) from error
    if key is None:
        raise _nobody()
    return key


def _nobody() -> ApiError:
    message = (
        "send a key as `Authorization: Bearer …` (`parley web key new` makes one), or sign in "
        "with a browser"
    )
    return ApiError(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})


def visitor(request: Request, desk: Desk) -> Key | None:
    """A browser that shows our pages may all, once somebody has signed in with it.

    Raises `ApiError` for what a page of somebody else's asks, and for another name than this
    machine's where nobody needs to sign in.
    """
    where = source(request.headers)
    if where is Source.FOREIGN:
        raise ApiError(403, "foreign_page", "a page of another site asks: open Parley's own")
    if desk.entry.is_open:
        if where is not Source.OURS:
            return None
        if not is_of_this_machine(request.headers):
            message = "open this page as http://127.0.0.1, or set PARLEY_WEB_PASSWORD to sign in"
            raise ApiError(403, "wrong_host", message)
        return _browser("browser", "browser", desk)
    sent = request.cookies.get(cookie_name(request))
    session = desk.entry.sessions.find(sent, desk.now()) if sent else None
    if session is None:
        return None
    if request.method not in SAFE and where is not Source.OURS:
        raise ApiError(403, "foreign_page", "only Parley's own pages may ask this with a sign-in")
    return _browser(f"browser-{session.id}", session.name, desk)


def _browser(id_: str, name: str, desk: Desk) -> Key:
    scopes = frozenset({Scope.ADMIN})
    return Key(id=id_, name=name, digest="", scopes=scopes, created_at=desk.now())


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
