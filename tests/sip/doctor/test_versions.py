"""Versions that servers tell, over real sockets; a real livekit-server's is in test_doctor_server."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from livekit.protocol.rtc import SignalResponse
from pydantic import SecretStr

from sip.doctor import versions
from sip.doctor.finding import Finding, Reporter, Verdict
from sip.doctor.servers import Server
from sip.simulate.stack import Stack
from tests.fakes.http import listening

REPORT = Reporter("versions")
KEY, SECRET = "APItest", "s" * 32
TRIED = {"livekit-server": "1.13.5", "vllm": "0.32.0", "livekit-sip": "1.8.0"}


@contextlib.asynccontextmanager
async def serving(livekit: str, vllm: str, asked: list[str] | None = None) -> AsyncIterator[str]:
    """A LiveKit of this version; `vllm` is what /version answers. `asked` is filled with what
    LiveKit's API is asked."""
    asked = [] if asked is None else asked

    async def joined(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        first = SignalResponse()
        first.join.server_info.version = livekit
        await socket.send_bytes(first.SerializeToString())
        await socket.receive()
        return socket

    async def twirp(request: web.Request) -> web.Response:
        asked.append(request.match_info["method"])
        return web.Response(content_type="application/protobuf")

    async def version(_: web.Request) -> web.Response:
        return web.Response(text=vllm, content_type="application/json")

    app = web.Application()
    app.router.add_get("/rtc", joined)
    app.router.add_post("/twirp/{service}/{method}", twirp)
    app.router.add_get("/version", version)
    async with listening(app) as url:
        yield url


async def looked(url: str) -> list[Finding]:
    stack = Stack(url, KEY, SecretStr(SECRET), "127.0.0.1", 5060, "caller", SecretStr("p" * 12))
    async with stack.client() as client:
        return await versions.look(REPORT, stack, client, Server(f"{url}/v1", "start it"), TRIED)


async def test_servers_of_the_versions_that_were_tried() -> None:
    asked: list[str] = []
    async with serving("1.13.5", '{"version": "0.32.0"}', asked) as url:
        found = await looked(url)
    assert [each.verdict for each in found] == [Verdict.OK, Verdict.OK]
    assert asked == ["CreateRoom", "DeleteRoom"], "it leaves nothing behind"


async def test_one_that_was_never_tried_is_a_warning_that_says_which_was() -> None:
    async with serving("1.14.0", '{"version": "0.33.1rc2"}') as url:
        found = await looked(url)
    assert [each.verdict for each in found] == [Verdict.WARNING, Verdict.WARNING]
    for name, running, tried in (
        ("livekit-server", "1.14.0", "1.13.5"),
        ("vllm", "0.33.1rc2", "0.32.0"),
    ):
        (finding,) = [each for each in found if name in each.says]
        assert running in finding.says
        assert tried in (finding.fix or "")


@pytest.mark.parametrize("answer", ['{"status": "fine"}', "<html>", "[]"])
async def test_a_model_that_is_no_vllm_has_no_version_to_be_tried(answer: str) -> None:
    async with serving("1.13.5", answer) as url:
        (found,) = await looked(url)
    assert "livekit-server" in found.says


async def test_where_nobody_says_anything_it_is_no_failure() -> None:
    async with serving("", "{}") as url:
        (quiet,) = await looked(url)
    (gone,) = await looked(url)
    assert quiet.verdict is gone.verdict is Verdict.SKIPPED
