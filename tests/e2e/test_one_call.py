"""A worker that holds one call, with the silero plugin and jobs that it cannot take."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from livekit import api

from sip.simulate.caller import CallFailedError, call
from sip.simulate.run import simulate
from sip.simulate.script import TurnScript
from tests.e2e.conftest import line_to
from tests.stack import Stack, parley_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

NUMBER = "+15550100"
GIVES_UP = 4
"""Seconds of ringing."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def small(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("small")
    async with parley_up(folder, AGENT_MAX_CALLS="1", AGENT_VAD="silero") as stack:
        yield stack


@pytest.fixture(autouse=True)
async def idle(small: Stack) -> None:
    """A job ends a moment after its call."""
    url = f"http://127.0.0.1:{small.facts['parts']['worker']['port']}/calls"
    async with asyncio.timeout(10), aiohttp.ClientSession() as http:
        while (await (await http.get(url)).json())["active"]:  # noqa: ASYNC110  it tells when asked
            await asyncio.sleep(0.1)


async def test_a_second_call_is_left_ringing(small: Stack) -> None:
    line = line_to(small)
    async with call(line, to=NUMBER, from_="+15550190010") as first:
        with pytest.raises(CallFailedError):
            async with call(line, to=NUMBER, from_="+15550190011", ringing=GIVES_UP):
                pass
        assert not first.hung_up


async def test_the_next_call_is_answered_and_turns_are_taken_with_silero(small: Stack) -> None:
    turn = TurnScript(say="what is your address", contains=("water", "street"))
    (called,) = await simulate(line_to(small), to=NUMBER, turns=[turn])
    assert called.report.problems == []


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ("{", "job metadata, metadata: Invalid JSON"),
        ('{"version":2}', "job metadata, version: "),
        ('{"persona":"nobody"}', "nobody.yaml: no such persona"),
    ],
)
async def test_a_job_that_cannot_be_taken_frees_the_caller_and_says_why(
    small: Stack, metadata: str, reason: str
) -> None:
    await ask_with(small, metadata)
    with pytest.raises(CallFailedError):
        async with call(line_to(small), to=NUMBER, from_="+15550190013", ringing=10):
            pass
    async with asyncio.timeout(5), small.livekit() as livekit:
        while (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms:  # noqa: ASYNC110  as above
            await asyncio.sleep(0.1)
    *_, said = (line for line in log_of(small) if line["message"] == "the call could not be taken")
    assert reason in said["reason"]


async def ask_with(stack: Stack, metadata: str) -> None:
    """Every call to the stack's number gets this as its job's metadata."""
    async with stack.livekit() as livekit:
        listed = await livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
        (rule,) = listed.items
        rule.room_config.agents[0].metadata = metadata
        await livekit.sip.update_dispatch_rule(rule.sip_dispatch_rule_id, rule)


def log_of(stack: Stack) -> list[dict[str, Any]]:
    log = Path(stack.folder) / "logs" / "worker.log"
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
