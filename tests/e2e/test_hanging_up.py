"""Whenever the caller hangs up, room and job are gone two seconds later."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from sip.simulate.caller import Dial, call
from sip.simulate.phone import phone_call
from sip.simulate.stack import Stack as Line
from tests.e2e.switchboard import Switchboard
from tests.e2e.talk import NUMBER, QUESTION, Talk, talking

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]

GONE = 2.0


async def greeted(talk: Talk) -> None:
    await talk.agent_speaks()


async def agent_thinks(talk: Talk) -> None:
    await talk.is_greeted()
    asked = talk.line.now()
    await talk.say("please wait a while")  # the model answers three seconds later
    await talk.until(lambda: talk.understood(after=asked) != "")


async def agent_speaks(talk: Talk) -> None:
    await talk.is_greeted()
    await talk.agent_speaks(after=await talk.say("tell me a story"))


async def caller_speaks(talk: Talk) -> None:
    await talk.is_greeted()
    before = talk.line.sent.samples
    saying = asyncio.create_task(talk.say(QUESTION))
    await talk.until(lambda: talk.line.sent.samples > before + 8000)
    saying.cancel()
    await asyncio.wait({saying})


@pytest.mark.parametrize("dial", [call, phone_call], ids=["bridge", "telephone"])
async def test_while_it_rings(line: Line, switchboard: Switchboard, dial: Dial) -> None:
    async def ring() -> None:
        async with dial(line, to=NUMBER, from_="+15550170001"):
            pass

    ringing = asyncio.create_task(ring())
    await switchboard.until_room()
    left = asyncio.get_running_loop().time()
    ringing.cancel()
    assert await switchboard.until_idle() - left <= GONE
    with contextlib.suppress(asyncio.CancelledError):
        await ringing


@pytest.mark.parametrize("dial", [call, phone_call], ids=["bridge", "telephone"])
async def test_at_the_answer(line: Line, switchboard: Switchboard, dial: Dial) -> None:
    async with dial(line, to=NUMBER, from_="+15550170002") as up:
        left = up.now()
    assert await switchboard.until_idle() - left <= GONE


@pytest.mark.parametrize("state", [greeted, agent_thinks, agent_speaks, caller_speaks])
async def test_in_the_talk(
    line: Line, switchboard: Switchboard, state: Callable[[Talk], Awaitable[None]]
) -> None:
    async with talking(line) as talk:
        await state(talk)
        left = talk.line.now()
    assert await switchboard.until_idle() - left <= GONE
