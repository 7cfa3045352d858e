"""`parley web` and its keys, as people run them."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from parley.web import KEYS
from tests.stack import environment_for
from web.server.keys import KeyFile, Scope

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return environment_for(tmp_path)


def parley(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "parley", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_key_is_made_listed_and_revoked(environment: dict[str, str]) -> None:
    made = parley(environment, "web", "key", "new", "shop", "--scope", "calls:read")
    sent = made.stdout.strip()
    store = KeyFile(Path(environment["PARLEY_RUN_DIR"]) / KEYS)
    key = store.holder(sent)
    assert key is not None
    assert key.scopes == {Scope.CALLS_READ}
    listed = parley(environment, "web", "key", "list").stdout
    assert listed.split()[0] == key.id
    assert listed.split()[2:] == ["calls:read", "shop"]
    assert sent not in listed
    assert parley(environment, "web", "key", "revoke", key.id).returncode == 0
    assert store.holder(sent) is None
    again = parley(environment, "web", "key", "revoke", key.id)
    assert (again.returncode, "parley web key list" in again.stderr) == (1, True)


def test_beyond_loopback_it_does_not_start_without_a_key(environment: dict[str, str]) -> None:
    refused = parley(environment | {"PARLEY_WEB_HOST": "0.0.0.0"}, "web")
    assert refused.returncode == 2
    assert "parley web key new" in refused.stderr


async def test_it_serves_until_it_is_told_to_stop(environment: dict[str, str]) -> None:
    port = int(environment["PARLEY_PORT_BASE"]) + 24
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "parley", "web"), env=environment
    )
    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(40):
            while not await _answers(http, port):  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.1)
            second = await asyncio.to_thread(parley, environment, "web")
            assert (second.returncode, "PARLEY_WEB_PORT" in second.stderr) == (2, True)
            async with http.get(f"http://127.0.0.1:{port}/ready") as answer:
                # There is no LiveKit.
                assert (answer.status, (await answer.json())["ledger"]) == (503, True)
    finally:
        os.kill(process.pid, signal.SIGTERM)
        status = await process.wait()
    assert status == 0


async def _answers(http: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with http.get(f"http://127.0.0.1:{port}/health") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False
