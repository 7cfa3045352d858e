import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from pydantic import SecretStr, ValidationError

from agent.call import HeldCalls
from agent.config import Settings
from agent.figures import Metrics
from agent.health import Health, PortError


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@asynccontextmanager
async def serving(
    settings: Settings, held: HeldCalls | None = None, active: set[str] | None = None
) -> AsyncIterator[tuple[Health, str]]:
    health = Health(held or HeldCalls(2), lambda: active or set(), settings, Metrics())
    async with health.serving() as port:
        yield health, f"http://127.0.0.1:{port}"


async def test_the_worker_is_ready_once_it_is_registered(http: aiohttp.ClientSession) -> None:
    async with serving(Settings(health_port=0)) as (health, url):
        assert (await http.get(f"{url}/health")).status == 200
        assert (await http.get(f"{url}/ready")).status == 503
        health.on_registered("AW_1", None)
        assert (await http.get(f"{url}/ready")).status == 200
        health.on_draining()
        assert (await http.get(f"{url}/ready")).status == 503
        assert (await http.get(f"{url}/health")).status == 200


async def test_calls_held_and_their_age_are_told(http: aiohttp.ClientSession) -> None:
    held, active = HeldCalls(2), {"a"}
    held.accept("a", active, now=asyncio.get_running_loop().time() - 30.0)
    async with serving(Settings(health_port=0), held, active) as (_, url):
        body = await (await http.get(f"{url}/calls")).json()
    assert (body["active"], body["limit"]) == (1, 2)
    assert body["oldest_seconds"] >= 30.0


async def test_calls_are_told_to_the_holder_of_the_key_alone(http: aiohttp.ClientSession) -> None:
    settings = Settings(health_port=0, health_key=SecretStr("sesame"))
    async with serving(settings) as (_, url):
        assert (await http.get(f"{url}/calls")).status == 401
        wrong = {"Authorization": "Bearer open"}
        assert (await http.get(f"{url}/calls", headers=wrong)).status == 401
        right = {"Authorization": "Bearer sesame"}
        assert (await http.get(f"{url}/calls", headers=right)).status == 200


def test_beyond_loopback_the_health_server_needs_a_key() -> None:
    with pytest.raises(ValidationError, match="needs health_key"):
        Settings(health_host="0.0.0.0")
    assert Settings(health_host="0.0.0.0", health_key=SecretStr("k")).health_key


async def test_a_taken_port_is_named_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with serving(Settings(health_port=port)):
                pass


async def test_metrics_are_for_the_holder_of_the_key(http: aiohttp.ClientSession) -> None:
    settings = Settings(health_port=0, health_key=SecretStr("sesame"))
    held = HeldCalls(2)
    held.accept("a", {"a"}, now=asyncio.get_running_loop().time())
    async with serving(settings, held, {"a"}) as (health, url):
        assert (await http.get(f"{url}/metrics")).status == 401
        health.on_registered()
        right = {"Authorization": "Bearer sesame"}
        page = await (await http.get(f"{url}/metrics", headers=right)).text()
    assert "parley_worker_ready 1.0" in page
    assert "parley_worker_calls_held 1.0" in page
    assert "parley_worker_calls_limit 2.0" in page
