"""Callers who must not get in, and callers who leave: no room and no job may stay behind."""

import asyncio

import pytest
from livekit import api
from pydantic import SecretStr

from sip.simulate.caller import CallFailedError, call
from sip.simulate.observer import Overheard, overhearing
from sip.simulate.stack import Stack as Line
from tests.e2e.conftest import line_to
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

NUMBER = "+15550100"
SOON = 3
"""Seconds in which a call that will be answered has been."""


async def refused(line: Line, to: str, from_: str) -> tuple[CallFailedError, Overheard]:
    async with overhearing(line, from_) as overheard:
        with pytest.raises(CallFailedError) as refusal:
            async with call(line, to=to, from_=from_, ringing=SOON):
                pass
    return refusal.value, overheard


async def rooms_of_calls(line: Line) -> list[str]:
    async with line.client() as client:
        listed = await client.room.list_rooms(api.ListRoomsRequest())
    return [room.name for room in listed.rooms if room.name.startswith("call-")]


async def no_rooms(line: Line) -> None:
    while await rooms_of_calls(line):  # noqa: ASYNC110 - LiveKit tells of rooms only when asked
        await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    "wrong", [{"sip_password": SecretStr("guessed-password")}, {"sip_username": "somebody"}]
)
async def test_a_caller_with_wrong_credentials_gets_no_room(
    parley: Stack, wrong: dict[str, object]
) -> None:
    line = line_to(parley, **wrong)
    _, overheard = await refused(line, NUMBER, "+15550190001")
    assert overheard.room is None
    assert await rooms_of_calls(line) == []


async def test_a_number_that_is_not_ours_gets_no_room(line: Line) -> None:
    _, overheard = await refused(line, "+15559999", "+15550190002")
    assert overheard.room is None
    assert await rooms_of_calls(line) == []


@pytest.mark.parametrize("spoken_first", [False, True])
async def test_a_caller_who_hangs_up_leaves_no_room(line: Line, spoken_first: bool) -> None:
    async with call(line, to=NUMBER, from_="+15550190003") as up:
        if spoken_first:
            async with asyncio.timeout(10):
                await up.until(lambda: up.ear.began is not None)
        assert await rooms_of_calls(line) != []
    async with asyncio.timeout(2):
        await no_rooms(line)
