"""What no route of an engine's own answers: in OpenAI's shape too."""

import aiohttp
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from parley_serving import Service, build_app
from tests.serving.echo import Echo
from tests.serving.running import running


async def fails(request: Request) -> Response:
    raise LookupError("a caller's own words")


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "kind"),
    [
        ("GET", "/nowhere", 404, "not_found", "invalid_request_error"),
        ("POST", "/v1/models", 405, "method_not_allowed", "invalid_request_error"),
        ("GET", "/fails", 500, "internal_error", "server_error"),
    ],
)
async def test_every_refusal_has_one_shape(
    method: str, path: str, status: int, code: str, kind: str
) -> None:
    echo = Echo()
    service = Service(
        name="echo",
        model="echo-1",
        gate=echo.gate,
        start=echo.service.start,
        routes=[Route("/fails", fails)],
    )
    async with (
        running(build_app(service)) as server,
        aiohttp.ClientSession(server.url) as http,
        http.request(method, path) as response,
    ):
        assert response.status == status
        error = (await response.json())["error"]
    assert (error["code"], error["type"], error["param"]) == (code, kind, None)
    assert "words" not in error["message"]
