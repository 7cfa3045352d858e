"""A telephone line without a line."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from livekit import rtc

from sip.transfer import Reason, TransferError


class FakeColleague:
    """Hears what is said in its own time; `happened` is what became of them, in order."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.happened: list[str] = []
        self._pressed: Callable[[str], None] = lambda _: None

    @property
    def joined(self) -> bool:
        return "joined" in self.happened

    def press(self, key: str) -> None:
        self._pressed(key)

    def on_key(self, pressed: Callable[[str], None]) -> None:
        self._pressed = pressed

    async def say(self, sound: AsyncIterable[rtc.AudioFrame]) -> None:
        seconds = sum([frame.duration async for frame in sound])
        await asyncio.sleep(seconds)
        self.happened.append("told")

    async def sound(self) -> AsyncGenerator[rtc.AudioFrame]:
        await asyncio.Event().wait()
        yield rtc.AudioFrame(bytes(2), 16_000, 1, 1)

    async def join(self) -> None:
        self.happened.append("joined")


class FakeTelephone:
    """`fails` is why a transfer does. One takes `rings` seconds. While it `holds`, nothing comes.
    `colleague` is who answers."""

    def __init__(self, fails: Reason | None = None, rings: float = 0.0) -> None:
        self.pressed: list[str] = []
        self.transferred: list[str] = []
        self.rung: list[str] = []
        self.colleague = FakeColleague()
        self._fails: Reason | None = fails
        self._rings = rings
        self._hear: list[Callable[[str], None]] = []
        self.holds = False
        self._packets = 0

    def keys(self, keys: str) -> None:
        """The caller presses them, all at once."""
        for key in keys:
            for hear in self._hear:
                hear(key)

    def on_key(self, pressed: Callable[[str], None]) -> None:
        self._hear.append(pressed)

    async def press(self, key: str) -> None:
        self.pressed.append(key)

    async def transfer(self, number: str, ringing: int) -> None:
        self.transferred.append(number)
        await asyncio.sleep(self._rings)
        if self._fails:
            raise TransferError(self._fails)

    async def music(self, clip: Path | None) -> None:
        self.colleague.happened.append("music")
        try:
            await asyncio.Event().wait()
        finally:
            self.colleague.happened.append("silence")

    @asynccontextmanager
    async def ring(self, number: str, ringing: int) -> AsyncIterator[FakeColleague]:
        self.rung.append(number)
        await asyncio.sleep(self._rings)
        if self._fails:
            raise TransferError(self._fails)
        try:
            yield self.colleague
        finally:
            if not self.colleague.joined:
                self.colleague.happened.append("dropped")

    async def packets(self) -> int:
        self._packets += not self.holds
        return self._packets
