"""What a supervisor and a client hear of an engine that will never serve again."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from parley_serving import build_app
from tests.serving.echo import LIMIT, PATH, Echo
from tests.serving.running import running

REASON = "the device is lost"


@pytest.fixture
async def echo() -> Echo:
    return Echo(key="sesame")


@pytest.fixture
async def http(echo: Echo) -> AsyncIterator[aiohttp.ClientSession]:
    key = {"Authorization": "Bearer sesame"}
    async with (
        running(build_app(echo.service), max_message=LIMIT) as server,
        aiohttp.ClientSession(server.url, headers=key) as session,
    ):
        yield session


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_probes_say_that_it_is_broken_and_why(
    http: aiohttp.ClientSession, echo: Echo, path: str
) -> None:
    async with http.get(path) as response:
        assert response.status == 200
        assert "reason" not in await response.json()
    echo.broken = REASON
    async with http.get(path) as response:
        assert response.status == 503
        body = await response.json()
    assert body["reason"] == REASON
    assert body.get("status", "broken") == "broken"
    assert not body.get("ready")


async def test_nothing_new_is_taken_and_what_is_held_is_left_alone(
    http: aiohttp.ClientSession, echo: Echo
) -> None:
    async with http.ws_connect(PATH) as held:
        echo.broken = REASON
        with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
            await http.ws_connect(PATH)
        assert raised.value.status == 503
        async with http.get("/v1/models") as response:
            assert response.status == 503
            assert response.headers["Retry-After"] == "5"
            error = (await response.json())["error"]
        assert (error["code"], error["type"]) == ("broken", "server_error")
        assert REASON in error["message"]
        await held.send_bytes(b"\0")
        assert await held.receive_bytes() == b"\0"
    async with http.get("/metrics") as response:
        assert response.status == 200


async def test_a_stranger_hears_of_the_key_first(http: aiohttp.ClientSession, echo: Echo) -> None:
    echo.broken = REASON
    async with http.get("/v1/models", headers={"Authorization": "Bearer wrong"}) as response:
        assert response.status == 401
        assert REASON not in await response.text()
