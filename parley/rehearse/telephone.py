"""The telephone of a call in text."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from livekit import rtc

from agent.warm.asking import TAKES
from parley.rehearse.record import Record
from parley.rehearse.scenario import Scenario
from sip.transfer import TransferError


class Telephone:
    """`agent.tools.telephone.Telephone`, whose other ends do what the scenario says."""

    def __init__(self, scenario: Scenario, record: Record) -> None:
        self._outcome = scenario.transfer
        self._ringing = scenario.ringing
        self._record = record
        self._listeners: list[Callable[[str], None]] = []

    def caller_presses(self, key: str) -> None:
        for listener in self._listeners:
            listener(key)

    def on_key(self, pressed: Callable[[str], None]) -> None:
        self._listeners.append(pressed)

    async def press(self, key: str) -> None:
        self._record.pressed += key

    async def transfer(self, number: str, ringing: int) -> None:
        await asyncio.sleep(self._ringing)
        if self._outcome != "answered":
            raise TransferError(self._outcome)
        self._record.transferred_to = number

    async def music(self, clip: Path | None) -> None:
        """Nobody hears it."""

    @asynccontextmanager
    async def ring(self, number: str, ringing: int) -> AsyncIterator["Colleague"]:
        await asyncio.sleep(self._ringing)
        if self._outcome != "answered":
            raise TransferError(self._outcome)
        yield Colleague(self._record, number)

    async def packets(self) -> None:
        """It has no line that could be quiet."""


class Colleague:
    """Takes every call at once, without a word."""

    def __init__(self, record: Record, number: str) -> None:
        self.gone = asyncio.Event()
        self._record = record
        self._number = number

    def on_key(self, pressed: Callable[[str], None]) -> None:
        pressed(TAKES)

    async def say(self, sound: AsyncIterable[rtc.AudioFrame]) -> None:
        async for _ in sound:
            pass

    async def sound(self) -> AsyncGenerator[rtc.AudioFrame]:
        await self.gone.wait()
        yield rtc.AudioFrame(bytes(2), 16_000, 1, 1)

    async def join(self) -> None:
        self._record.transferred_to = self._number
