"""Refusals: one JSON shape for all of them, and what unforeseen errors become."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

logger = logging.getLogger(__name__)


class Problem(BaseModel):
    """`code` is for programs, `message` names the fix."""

    code: str
    message: str


class Refusal(BaseModel):
    error: Problem


class ApiError(HTTPException):
    """A request that is refused."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.code = code

    def response(self) -> JSONResponse:
        body = Refusal(error=Problem(code=self.code, message=self.detail)).model_dump()
        return JSONResponse(body, self.status_code, dict(self.headers or {}))


_ALWAYS = (401, 403, 413, 422, 429, 503)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: these refusals, and those that every route behind a key has."""
    return {
        status: {"model": Refusal, "description": HTTPStatus(status).phrase}
        for status in sorted({*_ALWAYS, *statuses})
    }


def install(app: FastAPI) -> None:
    """Every error of `app` gets the one shape."""
    app.add_exception_handler(ApiError, _refused)
    app.add_exception_handler(HTTPException, _of_routing)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(SQLAlchemyError, _ledger_away)
    app.add_exception_handler(Exception, _unforeseen)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return error.response()


async def _of_routing(request: Request, error: Exception) -> JSONResponse:
    """No such path, not by this method, or a body that cannot be read."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    message = f"{request.method} {request.url.path}: {error.detail}; /openapi.json has all routes"
    return ApiError(status, status.name.lower(), message, error.headers).response()


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """The first thing that is wrong, and where; never what was sent."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return ApiError(422, "invalid", f"{where}: {first['msg']}").response()


async def _ledger_away(_: Request, error: Exception) -> JSONResponse:
    kind = type(getattr(error, "orig", None) or error).__name__
    logger.error("the ledger does not answer", extra={"why": kind})
    message = "the ledger does not answer: try again, and look at its disk or server if it stays so"
    return ApiError(503, "ledger_unavailable", message, {"Retry-After": "5"}).response()


async def _unforeseen(_: Request, error: Exception) -> JSONResponse:
    """The server logs it; a client learns no more than that."""
    return ApiError(500, "internal", "the server failed: its log says how").response()
