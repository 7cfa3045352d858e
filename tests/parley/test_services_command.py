"""`parley services`, as a cluster runs it: beside a LiveKit that others use, too."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.fakes.http import listening
from tests.fakes.processes import ended
from tests.stack import environment_for

pytestmark = pytest.mark.timeout(180)
PATIENCE = 60.0


class FakeLiveKit:
    """Has nothing, takes everything, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self._news = asyncio.Condition()

    async def answer(self, request: web.Request) -> web.Response:
        async with self._news:
            self.asked.add(request.match_info["method"])
            self._news.notify_all()
        return web.Response(content_type="application/protobuf")

    async def heard(self, *methods: str) -> None:
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: self.asked >= set(methods))


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[tuple[FakeLiveKit, str]]:
    fake = FakeLiveKit()
    app = web.Application()
    app.router.add_post("/twirp/{service}/{method}", fake.answer)
    async with listening(app) as url:
        yield fake, url


@contextlib.asynccontextmanager
async def services(folder: Path, url: str, *options: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "parley", "services", *options),
        env=environment_for(folder, LIVEKIT_URL=url),
        stderr=asyncio.subprocess.PIPE,
    )
    async with ended(process):
        yield process


async def test_it_looks_after_the_rooms_of_livekit_url_and_leaves_its_calls_when_it_ends(
    tmp_path: Path,
) -> None:
    async with serving() as (livekit, url), services(tmp_path, url) as process:
        await livekit.heard("ListRooms")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            _, said = await process.communicate()
    assert process.returncode == 0
    assert "DeleteRoom" not in livekit.asked
    assert "CreateSIPInboundTrunk" not in livekit.asked
    assert b"Traceback" not in said


async def test_the_local_trunk_is_kept_for_who_asks_for_it_and_its_password_is_not_shown(
    tmp_path: Path,
) -> None:
    async with serving() as (livekit, url), services(tmp_path, url, "--local-trunk") as process:
        await livekit.heard("CreateSIPInboundTrunk", "CreateSIPDispatchRule")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            _, said = await process.communicate()
    assert process.returncode == 0
    assert b"Password" not in said


def test_a_service_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "parley", "services", "--without", "worker"],
        env=environment_for(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert "reaper" in refused.stderr
