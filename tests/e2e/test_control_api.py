"""The control API of a running stack: a call is seen, spoken into and ended by a program."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from parley.web import KEYS
from sip.simulate.stack import Stack as Line
from tests.e2e.switchboard import Switchboard, until
from tests.e2e.talk import talking
from tests.stack import Stack
from web.server.keys import KeyFile, Scope

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

WORDS = "the shop closes early today"


@pytest.fixture
async def api(parley: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    """With a key for calls; inside, it answers."""
    store = KeyFile(Path(parley.environment["PARLEY_RUN_DIR"]) / KEYS)
    scopes = frozenset({Scope.CALLS_READ, Scope.CALLS_WRITE})
    key, sent = store.new("test", scopes, datetime.now(UTC))
    url = f"http://127.0.0.1:{int(parley.environment['PARLEY_PORT_BASE']) + 24}"
    headers = {"Authorization": f"Bearer {sent}"}
    async with aiohttp.ClientSession(url, headers=headers) as http:

        async def ready() -> bool:
            try:
                async with http.get("/ready") as answer:
                    return answer.status == 200
            except aiohttp.ClientConnectionError:
                return False

        await until(ready)
        yield http
    store.revoke(key.id)


async def live(api: aiohttp.ClientSession) -> list[dict[str, Any]]:
    async with api.get("/v1/live") as answer:
        assert answer.status == 200, await answer.text()
        calls: list[dict[str, Any]] = (await answer.json())["calls"]
        return calls


async def test_a_live_call_is_seen_spoken_into_and_hung_up(
    api: aiohttp.ClientSession, line: Line, switchboard: Switchboard
) -> None:
    async with api.get("/v1/live/events") as events, talking(line) as talk:
        await talk.is_greeted()
        (call,) = await live(api)
        assert (call["state"], call["agents"]) == ("active", 1)
        assert call["persona"] == "receptionist"
        asked = talk.line.now()
        async with api.post(f"/v1/live/{call['id']}/say", json={"text": WORDS}) as answer:
            assert answer.status == 202
        await talk.hears(WORDS, after=asked)
        await talk.agent_is_quiet()
        async with api.post(f"/v1/live/{call['id']}/hangup") as answer:
            assert answer.status == 204
        await talk.is_hung_up()
        told = await until_ended(events, call["id"])
    await switchboard.until_idle()
    assert await live(api) == []
    assert WORDS in [data.get("text") for kind, data in told if kind == "turn"]
    async with api.get(f"/v1/calls/{call['id']}") as answer:
        kept = await answer.json()
    assert kept["outcome"] == "answered"


async def until_ended(
    events: aiohttp.ClientResponse, call_id: str
) -> list[tuple[str, dict[str, Any]]]:
    """What was told of the call."""
    told, kind = [], ""
    async with asyncio.timeout(30):
        async for line in events.content:
            name, _, value = line.decode().strip().partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                data = json.loads(value)
                told.append((kind, data))
                if kind == "call.ended" and data["call_id"] == call_id:
                    return told
    raise AssertionError(f"the stream ended: {told}")
