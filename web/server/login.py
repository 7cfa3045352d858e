"""Signing a browser in and out."""

import logging
import math
import time
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from sip.line import PersonaName
from web.server.desk import Desk, TheDesk
from web.server.entry import address, cookie_name
from web.server.errors import ApiError, documented
from web.server.sessions import LONGEST
from web.server.visitors import Source, is_loopback_name, source

logger = logging.getLogger(__name__)

router = APIRouter(tags=["login"])

OWNER = "owner"
"""The name of whoever has the password, or the machine."""


class Password(BaseModel):
    model_config = ConfigDict(extra="forbid")

    password: Annotated[str, Field(max_length=1000)]


@router.post("/login", status_code=204, responses=documented(400))
def sign_in(request: Request, desk: TheDesk, wanted: Password) -> Response:
    """Sets the cookie of a session. 403: it is not by a password that one signs in here."""
    _refuse_foreign_pages(request)
    if desk.entry.is_open:
        return Response(status_code=204)
    if desk.entry.password is None:
        message = "nobody can sign in by a password: set PARLEY_WEB_PASSWORD, and start again"
        raise ApiError(403, "login_not_set_up", message)
    slow_down(request, desk)
    if not desk.entry.admits(wanted.password):
        logger.warning("a sign-in failed", extra={"way": "password", "address": address(request)})
        raise ApiError(401, "wrong_password", "that is not PARLEY_WEB_PASSWORD: try again")
    return signed_in(request, desk, Response(status_code=204), OWNER, "password")


@router.post("/logout", status_code=204, responses=documented())
def sign_out(request: Request, desk: TheDesk) -> Response:
    """Ends the session, for whoever has its cookie."""
    _refuse_foreign_pages(request)
    name = cookie_name(request)
    if sent := request.cookies.get(name):
        desk.entry.sessions.close(sent)
    answer = Response(status_code=204)
    answer.delete_cookie(name, secure=not is_loopback_name(request.headers), httponly=True)
    return answer


@router.get("/login/link", include_in_schema=False)
def follow_link(
    request: Request,
    desk: TheDesk,
    code: Annotated[str, Query(max_length=100)],
    persona: PersonaName | None = None,
) -> Response:
    """As `parley talk` prints it: good once."""
    answer = RedirectResponse(f"/?persona={persona}" if persona else "/", 303)
    if desk.entry.is_open:
        return answer
    slow_down(request, desk)
    if desk.entry.links is None or not desk.entry.links.take(code, desk.now()):
        logger.warning("a sign-in failed", extra={"way": "link", "address": address(request)})
        return RedirectResponse("/login?problem=link", 303)
    return signed_in(request, desk, answer, OWNER, "link")


def slow_down(request: Request, desk: Desk) -> None:
    """Raises `ApiError` for one try to sign in too many."""
    entry, now = desk.entry, time.monotonic()
    if wait := entry.by_address.take(address(request), now) or entry.in_all.take("", now):
        seconds = math.ceil(wait)
        message = f"too many tries to sign in: wait {seconds} s, or run `parley talk`"
        raise ApiError(429, "too_many_requests", message, {"Retry-After": str(seconds)})


def signed_in(request: Request, desk: Desk, answer: Response, name: str, way: str) -> Response:
    """`answer` with the cookie of a new session."""
    sent = desk.entry.sessions.open(name, desk.now())
    answer.set_cookie(
        cookie_name(request),
        sent,
        max_age=round(LONGEST.total_seconds()),
        secure=not is_loopback_name(request.headers),
        httponly=True,
        samesite="strict",
    )
    logger.info(
        "a browser signed in",
        extra={"way": way, "address": address(request), "pii": {"name": name}},
    )
    return answer


def _refuse_foreign_pages(request: Request) -> None:
    if source(request.headers) is Source.FOREIGN:
        raise ApiError(403, "foreign_page", "a page of another site asks: open Parley's own")
