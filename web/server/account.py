"""Signing a browser in by an account elsewhere."""

import logging
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from web.server.desk import Desk, TheDesk
from web.server.entry import address
from web.server.errors import ApiError
from web.server.login import signed_in, slow_down
from web.server.oidc import LASTS, NotAllowedError, Provider, ProviderError
from web.server.visitors import is_loopback_name

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/login", include_in_schema=False)

TICKET = "parley-sign-in"
"""The cookie that ties a sign-in to the browser that began it."""

FOUND = 303

Sent = Annotated[str, Query(max_length=4000)]


@router.get("/oidc")
async def go(request: Request, desk: TheDesk) -> Response:
    """To the provider, which sends the browser back."""
    provider = _provider(desk)
    slow_down(request, desk)
    try:
        there, ticket = await provider.begin()
    except ProviderError as error:
        return _failed(request, "provider", error)
    answer = RedirectResponse(there, FOUND)
    answer.set_cookie(
        TICKET,
        ticket,
        max_age=round(LASTS),
        path=router.prefix,
        secure=not is_loopback_name(request.headers),
        httponly=True,
        samesite="lax",  # it comes back by a link on the provider's page
    )
    return answer


@router.get("/callback")
async def come_back(
    request: Request, desk: TheDesk, state: Sent = "", code: Sent = "", error: Sent = ""
) -> Response:
    """From the provider: with a code, or with why there is none."""
    provider = _provider(desk)
    slow_down(request, desk)
    if error or not code:
        return _failed(request, "not_allowed", NotAllowedError("the provider let nobody in"))
    try:
        email = await provider.finish(state, request.cookies.get(TICKET, ""), code)
    except ProviderError as problem:
        return _failed(request, "provider", problem)
    except NotAllowedError as problem:
        return _failed(request, "not_allowed", problem)
    answer = signed_in(request, desk, RedirectResponse("/", FOUND), email, "oidc")
    answer.delete_cookie(TICKET, path=router.prefix)
    return answer


def _provider(desk: Desk) -> Provider:
    if desk.entry.provider is None:
        message = "nobody can sign in by an account: set PARLEY_WEB_OIDC_ISSUER, and start again"
        raise ApiError(403, "login_not_set_up", message)
    return desk.entry.provider


def _failed(request: Request, problem: str, error: Exception) -> Response:
    """The login page says so; why stands in the log."""
    logger.warning(
        "a sign-in failed", extra={"way": "oidc", "address": address(request), "why": str(error)}
    )
    return RedirectResponse(f"/login?problem={problem}", FOUND)
