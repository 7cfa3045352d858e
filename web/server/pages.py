"""The pages: what `web/room` was built into."""

import re
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from web.server.desk import TheDesk
from web.server.errors import ApiError

router = APIRouter(include_in_schema=False)

ASSETS = "assets"
"""Its files have their digest in their name."""

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

TYPES = {
    ".js": "text/javascript",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
"""Those that a machine may not know."""

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}", re.ASCII)

NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Parley</title>
<h1>The pages are not built</h1>
<p>Run <code>make setup</code>, which builds them, and load this page again.
"""


def _built(desk: TheDesk) -> Path | None:
    return desk.pages if desk.pages and (desk.pages / "index.html").is_file() else None


Built = Annotated[Path | None, Depends(_built)]


@router.get("/")
@router.get("/login")
@router.get("/calls")
@router.get("/calls/{rest:path}")
@router.get("/overview")
def page(built: Built) -> Response:
    """One for all: its script reads the address."""
    if built is None:
        return HTMLResponse(NOT_BUILT, 503)
    return FileResponse(built / "index.html", headers={"Cache-Control": ASK_AGAIN})


@router.get("/assets/{name}")
def asset(built: Built, name: str) -> FileResponse:
    return _file(built and built / ASSETS, name, FOREVER)


@router.get("/{name}")
def file(built: Built, name: str) -> FileResponse:
    """An icon, say."""
    return _file(built, name, ASK_AGAIN)


def _file(folder: Path | None, name: str, cache: str) -> FileResponse:
    """By its name alone, so that no path leads elsewhere. Raises `ApiError`."""
    path = folder / name if folder and NAME.fullmatch(name) else None
    if path is None or not path.is_file():
        message = "there is no such page or file; /openapi.json has all routes"
        raise ApiError(404, "not_found", message)
    return FileResponse(path, media_type=TYPES.get(path.suffix), headers={"Cache-Control": cache})


class Compressed:
    """The assets, and no answer of the API: its length shall say nothing of a secret in it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_asset = scope["type"] == "http" and scope["path"].startswith(f"/{ASSETS}/")
        await (self._compressing if is_asset else self._app)(scope, receive, send)
