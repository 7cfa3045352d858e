"""A call that is up when a part is lost, the next call, and what the ledger keeps of either."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from ledger.calls import Wanted, find_calls, read_call
from ledger.database import open_ledger
from parley.part import Probe
from parley.probes import http_ok, redis_ping, sip_options
from sip.simulate.caller import CallFailedError
from sip.simulate.conversation import SETTLED
from sip.simulate.handset import Handset, handset
from sip.simulate.script import VOICE
from sip.simulate.speech import spoken
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import LOOK, until
from tests.e2e.talk import NUMBER, QUESTION
from tests.stack import Stack

PATIENCE = 60.0
"""Seconds for what a test waits for: a part that hangs is given some before it is killed."""
HUNG_AFTER = 6.0
"""Seconds, of `PARLEY_HUNG_AFTER`."""
AGAIN = 6.0
"""Seconds after which a caller who was not answered asks again."""

Inject = Callable[[Stack], None]
"""Does the damage; returns at once."""


def killed(part: str) -> Inject:
    return lambda stack: os.kill(stack.pid(part), signal.SIGKILL)


def hung(part: str) -> Inject:
    """It is there and does nothing. Whoever starts it again kills it first."""
    return lambda stack: os.kill(stack.pid(part), signal.SIGSTOP)


def lose_redis_and_its_data(stack: Stack) -> None:
    shutil.rmtree(
        stack.folder / "redis" / "appendonlydir"
    )  # it writes on into files without a name
    killed("redis")(stack)


@dataclass
class Caller:
    """A plain telephone in a call: SIP and RTP, and no part of LiveKit's."""

    phone: Handset
    number: str

    async def waits(self, fact: Callable[[], bool]) -> bool:
        """Until `fact`, False if the agent hung up first. Raises TimeoutError.

        Asked now and then, for a line that is dead brings no sound that would tell of news.
        """
        async with asyncio.timeout(PATIENCE):
            while not (self.phone.hung_up or fact()):  # noqa: ASYNC110
                await asyncio.sleep(LOOK)
        return fact()

    async def hears(self, after: float) -> float | None:
        """When the agent's first sound since then began; None if it hung up instead."""

        def speaks() -> bool:
            return (self.phone.ear.began or 0.0) > after

        return self.phone.ear.began if await self.waits(speaks) else None

    async def is_greeted(self) -> None:
        assert await self.hears(self.phone.dialled_at)
        await self.agent_is_quiet()

    async def agent_is_quiet(self) -> None:
        await self.waits(lambda: self.phone.ear.quiet_for(self.phone.now()) >= SETTLED)

    async def asks(self) -> float:
        """Returns when the question began."""
        await self.agent_is_quiet()
        began = self.phone.now()
        await self.phone.say(await spoken(QUESTION, VOICE))
        return began

    async def is_answered(self) -> float | None:
        """Ask until the agent speaks; returns when it began to. None if it hung up instead."""
        while not self.phone.hung_up:
            asked = await self.asks()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN):
                    return await self.hears(asked)
        return None

    async def is_hung_up(self) -> float:
        """Returns when it was."""
        await self.waits(lambda: self.phone.hung_up)
        assert self.phone.hung_up
        return self.phone.now()


@contextlib.asynccontextmanager
async def calling(stack: Stack) -> AsyncGenerator[Caller]:
    """Inside, the call is up. Raises CallFailedError when nobody answers."""
    number = f"+1555018{random.randrange(10_000):04}"
    async with handset(line_to(stack), to=NUMBER, from_=number) as phone:
        try:
            yield Caller(phone, number)
        finally:
            if not await answers(stack, "livekit-sip")():
                phone.drop()  # nobody is there who would take its BYE


def answers(stack: Stack, part: str) -> Probe:
    port = stack.facts["parts"][part]["port"]
    others = {
        "redis": redis_ping(port),
        "livekit-server": http_ok(port, "/"),
        "livekit-sip": sip_options(port),
    }
    return others.get(part) or http_ok(port, "/ready")


async def all_answer(stack: Stack) -> None:
    for part in stack.facts["parts"]:
        await until(answers(stack, part))


async def worker_notices(stack: Stack) -> None:
    """Until it is not ready, for LiveKit is gone."""
    ready = answers(stack, "worker")

    async def not_ready() -> bool:
        return not await ready()

    await until(not_ready)


async def started_again(stack: Stack, part: str, old: int) -> None:
    """Until the part has another process than `old`, and answers."""
    probe = answers(stack, part)
    async with asyncio.timeout(PATIENCE):
        while stack.pid(part) == old or not await probe():  # noqa: ASYNC110
            await asyncio.sleep(LOOK)


async def next_call(stack: Stack) -> float:
    """Dial until somebody answers and speaks; returns when they began to."""
    await until(answers(stack, "worker"))
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(CallFailedError):
                async with calling(stack) as caller:
                    if began := await caller.hears(caller.phone.dialled_at):
                        return began
            await asyncio.sleep(LOOK)


async def record_of(stack: Stack, number: str) -> dict[str, Any]:
    """What the ledger keeps of the caller's call, once it is over."""
    async with asyncio.timeout(PATIENCE):
        while True:
            call = await asyncio.to_thread(_read, stack, number)
            if call and call["outcome"]:
                return call
            await asyncio.sleep(0.2)


def _read(stack: Stack, number: str) -> dict[str, Any] | None:
    url = stack.environment.get("PARLEY_LEDGER", f"sqlite:///{stack.folder / 'ledger.db'}")
    engine = open_ledger(url)
    try:
        rows = list(find_calls(engine, Wanted(number=number)))
        return read_call(engine, rows[0].id) if rows else None
    finally:
        engine.dispose()


def replies(record: dict[str, Any]) -> list[str]:
    """What the agent said, by the record."""
    return [turn["text"] for turn in record["turns"] if turn["role"] == "assistant"]
