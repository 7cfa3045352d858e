"""Calls at once, by processes of callers, while the parts are watched."""

import asyncio
import contextlib
import os
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass

from parley.load.busy import cores, cpu_seconds
from parley.load.caller import GO, READY, Calls, Order
from parley.load.figures import Figures, LoadCall
from parley.load.talk import TURNS
from sip.simulate.caller import CallFailedError
from sip.simulate.group import one_failure
from sip.simulate.stack import Stack

A_PROCESS = 8
"""Callers of one: more would be late by themselves."""

STARTING = 60.0
ENDING = 60.0
"""Seconds: until a process is ready, and after its callers should have hung up."""


@dataclass(frozen=True)
class Callers:
    """`every` seconds another dials; when the last has, all are held for `hold` seconds.

    `pids` are the parts', by name. Calls are overheard where `overhears`, one of each step.
    """

    stack: Stack
    to: str
    pids: Mapping[str, int]
    every: float
    hold: float
    talk: float
    overhears: bool

    async def __call__(self, calls: int) -> Figures:
        """Raises CallFailedError when the callers themselves fail."""
        with one_failure():
            return await self._calls(calls)

    async def _calls(self, calls: int) -> Figures:
        async with contextlib.AsyncExitStack() as running:
            processes = [
                await running.enter_async_context(_process()) for _ in range(0, calls, A_PROCESS)
            ]
            async with asyncio.timeout(STARTING), asyncio.TaskGroup() as group:
                for process, order in zip(processes, self._orders(calls), strict=True):
                    group.create_task(_prepared(process, order))
            return await self._held(calls, processes)

    async def _held(self, calls: int, processes: Sequence[Process]) -> Figures:
        ramp = calls * self.every
        watched = {**self.pids, "callers": os.getpid()}
        async with asyncio.timeout(ramp + self.hold + ENDING), asyncio.TaskGroup() as group:
            watching = group.create_task(_busy(watched, ramp, self.hold))
            talking = [group.create_task(_told(process)) for process in processes]
        made = [call for each in talking for call in each.result()]
        barges_in = any(turn.barge_in for turn in TURNS)
        return Figures.of(calls, made, watching.result(), barges_in=barges_in)

    def _orders(self, calls: int) -> list[Order]:
        numbers = [f"+1555019{tail:04}" for tail in random.sample(range(10_000), calls)]
        return [
            self._order(numbers[first : first + A_PROCESS], first, calls)
            for first in range(0, calls, A_PROCESS)
        ]

    def _order(self, numbers: Sequence[str], first: int, calls: int) -> Order:
        stack = self.stack
        return Order(
            livekit_url=stack.livekit_url,
            api_key=stack.api_key,
            api_secret=stack.api_secret.get_secret_value(),
            sip_host=stack.sip_host,
            sip_port=stack.sip_port,
            sip_username=stack.sip_username,
            sip_password=stack.sip_password.get_secret_value(),
            to=self.to,
            numbers=tuple(numbers),
            first=first * self.every,
            every=self.every,
            until=calls * self.every + self.hold,
            talk=self.talk,
            overhears=self.overhears and first == 0,
        )


@contextlib.asynccontextmanager
async def _process() -> AsyncGenerator[Process]:
    """Gone in any case afterwards."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "parley.load.caller"), stdin=PIPE, stdout=PIPE, limit=2**24
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _prepared(process: Process, order: Order) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{order.model_dump_json()}\n".encode())
    with contextlib.suppress(ConnectionError):  # it says why itself
        await process.stdin.drain()
    if (await process.stdout.readline()).decode().strip() != READY:
        raise CallFailedError("the callers did not start: see above")


async def _told(process: Process) -> list[LoadCall]:
    """What its calls were like, once it has been told to begin."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{GO}\n".encode())
    await process.stdin.drain()
    line = await process.stdout.readline()
    if not line:
        raise CallFailedError("the callers ended in the middle: see above")
    return Calls.validate_json(line)


async def _busy(pids: Mapping[str, int], ramp: float, hold: float) -> Mapping[str, float]:
    """Cores, while all calls are up."""
    await asyncio.sleep(ramp)
    before = await asyncio.to_thread(cpu_seconds, pids)
    await asyncio.sleep(hold)
    return cores(before, await asyncio.to_thread(cpu_seconds, pids), hold)
