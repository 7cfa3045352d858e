"""What servers say of themselves, over a real socket."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web
from livekit import api
from pydantic import SecretStr

from sip.doctor import livekit, servers
from sip.doctor.finding import Reporter, Verdict
from sip.doctor.servers import Server
from tests.fakes.http import listening

REPORT = Reporter("server")
KEY = "k" * 16
START = "start it"


@dataclass(frozen=True)
class Says:
    """What a server answers to `/ready` and to `/models`, below /v1 or not."""

    ready: int = 200
    models: int = 200
    body: str = '{"data": [{"id": "gemma"}]}'


@contextlib.asynccontextmanager
async def serving(says: Says) -> AsyncIterator[str]:
    async def ready(_: web.Request) -> web.Response:
        return web.Response(status=says.ready)

    async def models(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.Response(status=401)
        return web.Response(status=says.models, text=says.body)

    app = web.Application()
    app.router.add_get("/ready", ready)
    app.router.add_get("/v1/models", models)
    async with listening(app) as url:
        yield url


def at(url: str, key: str | None = KEY) -> Server:
    return Server(url, START, SecretStr(key) if key else None)


async def nowhere() -> str:
    async with serving(Says()) as url:
        return url


async def test_an_engine_that_is_ready_and_takes_our_key() -> None:
    async with serving(Says()) as url:
        assert (await servers.ready(REPORT, at(url))).verdict is Verdict.OK


async def test_a_server_that_asks_for_no_key() -> None:
    async with serving(Says()) as url:
        assert (await servers.ready(REPORT, at(url, None))).verdict is Verdict.OK


async def test_an_engine_that_still_loads() -> None:
    async with serving(Says(ready=503)) as url:
        found = await servers.ready(REPORT, at(url))
    assert found.verdict is Verdict.FAILED
    assert "503" in found.says


async def test_an_engine_that_refuses_our_key() -> None:
    async with serving(Says()) as url:
        found = await servers.ready(REPORT, at(url, "wrong-wrong-wrong"))
    assert found.verdict is Verdict.FAILED
    assert "refuses our key" in found.says
    assert "wrong" not in str(found)


async def test_an_engine_that_is_not_there() -> None:
    found = await servers.ready(REPORT, at(await nowhere()))
    assert found.verdict is Verdict.FAILED
    assert found.fix == START


@pytest.mark.parametrize(
    ("says", "model", "verdict", "complaint"),
    [
        (Says(), "gemma", Verdict.OK, "gemma at"),
        (Says(), "llama", Verdict.FAILED, "no model 'llama'"),
        (Says(models=404), "gemma", Verdict.WARNING, "does not list"),
        (Says(body="<html>"), "gemma", Verdict.WARNING, "does not list"),
        (Says(models=403), "gemma", Verdict.FAILED, "refuses the key"),
    ],
)
async def test_a_model(says: Says, model: str, verdict: Verdict, complaint: str) -> None:
    async with serving(says) as url:
        found = await servers.mind(REPORT, at(f"{url}/v1"), model)
    assert found.verdict is verdict
    assert complaint in found.says


async def test_a_model_that_nobody_serves() -> None:
    found = await servers.mind(REPORT, at(await nowhere()), "gemma")
    assert found.verdict is Verdict.FAILED
    assert found.fix == START


async def test_livekit_that_is_not_there() -> None:
    url = await nowhere()
    async with api.LiveKitAPI(url, "key", "s" * 32) as client:
        found = await livekit.read(REPORT, url, client, livekit.Kept())
    assert found.verdict is Verdict.FAILED
    assert f"nobody answers at {url}" in found.says
    assert "make run" in (found.fix or "")
