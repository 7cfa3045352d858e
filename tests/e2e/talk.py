"""A caller whom a test tells what to do as the call goes on."""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import numpy as np

from sip.simulate.caller import Dial, call
from sip.simulate.conversation import SETTLED
from sip.simulate.line import Line
from sip.simulate.observer import Overheard, overhearing
from sip.simulate.script import VOICE
from sip.simulate.speech import RATE, Samples, spoken
from sip.simulate.stack import Stack

NUMBER = "+15550100"

QUESTION = "what is your address"
ANSWER = "Water Street"

PATIENCE = 30.0
"""Seconds for what a test waits for in a call."""


@dataclass(frozen=True)
class Talk:
    """A call that is up. Times are those of the event loop's clock."""

    line: Line
    overheard: Overheard

    async def say(self, text: str) -> float:
        """Returns when the last word was said."""
        return await self.play(await spoken(text, VOICE))

    async def play(self, sound: Samples) -> float:
        """Returns when the last sample was sent."""
        await self.line.say(sound)
        return self.line.now()

    async def until(self, fact: Callable[[], bool]) -> None:
        """It is asked at every frame heard. Fails when it does not become true, or the line is down first."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.line.until(fact)
        except TimeoutError:
            raise AssertionError(f"waited in vain; the agent said {self.said()!r}") from None
        assert fact(), f"the agent hung up after {self.said()!r}"

    async def agent_speaks(self, *, after: float = 0.0) -> None:
        """Until the agent's first sound `after`."""
        await self.until(lambda: self.line.ear.began is not None and self.line.ear.began > after)

    async def agent_is_quiet(self) -> None:
        await self.until(lambda: self.line.ear.quiet_for(self.line.now()) >= SETTLED)

    async def is_greeted(self) -> None:
        await self.agent_speaks()
        await self.agent_is_quiet()

    async def hears(self, words: str, *, after: float = 0.0) -> None:
        """Until the agent has said `words` in speech that began `after`."""
        await self.until(lambda: words in self.said(after=after))

    async def hears_nothing(self, seconds: float) -> None:
        """Fails when the agent makes a sound."""
        since = self.line.now()
        await self.until(lambda: self.line.now() >= since + seconds)
        assert self.line.ear.last is None or self.line.ear.last <= since

    async def is_answered(self) -> None:
        """The call is alive: a question gets its answer."""
        await self.agent_is_quiet()
        asked = self.line.now()
        await self.say(QUESTION)
        await self.hears(ANSWER, after=asked)

    async def is_hung_up(self) -> None:
        await self.until(lambda: self.line.hung_up)

    def said(self, *, after: float = 0.0) -> str:
        """The agent's words, as far as they have been spoken."""
        return self.overheard.said_between(after, float("inf"))

    def understood(self, *, after: float = 0.0) -> str:
        """The caller's words, as the agent heard them."""
        return self.overheard.heard_between(after, float("inf"))

    def heard(self, *, after: float | None = None) -> Samples:
        """The sound that the caller has heard since then, or since dialling."""
        first = 0.0 if after is None else after - self.line.dialled_at
        return self.line.recording(self.line.now()).agent[round(first * RATE) :]


@contextlib.asynccontextmanager
async def talking(stack: Stack, *, dial: Dial = call) -> AsyncGenerator[Talk]:
    """Inside, the call is up. Raises CallFailedError when nobody answers."""
    from_ = f"+1555017{random.randrange(10_000):04}"
    dialling = dial(stack, to=NUMBER, from_=from_)
    async with overhearing(stack, from_) as overheard, dialling as line:
        yield Talk(line, overheard)


def likeness(pattern: Samples, sound: Samples) -> float:
    """How well `pattern` is found somewhere in `sound`: 1 is itself, under 0.3 something else."""
    wanted = pattern - pattern.mean()
    size = 1 << (sound.size + pattern.size).bit_length()
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(wanted, size).conj(), size)
    energy = np.concatenate([[0.0], np.cumsum(sound.astype(np.float64) ** 2)])
    local = energy[pattern.size :] - energy[: -pattern.size]
    found = product[: local.size] / np.sqrt((wanted**2).sum() * np.maximum(local, 1.0))
    return float(found.max(initial=0.0))
