"""Who is asked to take a call, as those see them who ask."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import Literal, Protocol

from livekit import rtc


class NotJoinedError(Exception):
    """The caller is still ours: the colleague did not take the call, or LiveKit did not answer."""

    def __init__(self, reason: Literal["rejected", "unreachable"]) -> None:
        super().__init__(reason)
        self.reason = reason


class Colleague(Protocol):
    """Has answered, and hears us alone; the caller hears neither of us."""

    gone: asyncio.Event
    """They have hung up."""

    def on_key(self, pressed: Callable[[str], None]) -> None:
        """Call `pressed` with each key that they press."""
        ...

    async def say(self, sound: AsyncIterable[rtc.AudioFrame]) -> None:
        """Returns when they have heard it. `sound` is mono, 24 kHz."""
        ...

    def sound(self) -> AsyncGenerator[rtc.AudioFrame]:
        """What they say: mono, 16 kHz, 20 ms."""
        ...

    async def join(self) -> None:
        """From now on they and the caller hear each other, and neither hears us.

        Raises `NotJoinedError`.
        """
        ...
