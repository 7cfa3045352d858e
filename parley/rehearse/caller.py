"""The caller's manners: hear the agent out, speak, wait for the reply; or do something over it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

from parley.rehearse.record import Record, Taken
from parley.rehearse.scenario import MACHINES, Scenario, Turn
from parley.rehearse.voice import SECONDS_A_WORD
from parley.scripted.matching import words_of

SETTLED = 2.5
"""Seconds of silence after which the agent has finished: a pause that it goes on after is shorter."""
PATIENCE = 10.0
"""Seconds that the caller waits for a reply."""
PICKS_UP = 0.8
"""Seconds until whoever was called speaks."""
BETWEEN_KEYS = 0.2
LOOK = 0.02
"""Seconds between two looks at whether it is the caller's turn."""


class Mouth(Protocol):
    """What the caller's end of the line takes."""

    def noise(self, seconds: float) -> None:
        """Sound without words, from now on."""

    def rustle(self, seconds: float) -> None:
        """The same in the background."""

    async def say(self, words: list[str], seconds: float, *, trails_off: bool) -> None:
        """Returns when the last word is out."""

    def echo(self, word: str, seconds: float) -> None:
        """The line gives back this word of the agent's."""


class Ear(Protocol):
    """What the caller hears of the agent. Times are seconds since the call began."""

    @property
    def now(self) -> float: ...

    @property
    def hears(self) -> bool:
        """The agent's sound, now."""

    @property
    def quiet_since(self) -> float: ...

    def began_after(self, since: float) -> float | None:
        """When the agent first made a sound after that, as far as it is known by now."""


class Caller:
    """Takes a scenario's turns. `press` gets the keys, `beep` the seconds of a machine's tone."""

    def __init__(
        self,
        scenario: Scenario,
        line: Mouth,
        ear: Ear,
        record: Record,
        press: Callable[[str], None],
        *,
        beep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._scenario = scenario
        self._line = line
        self._ear = ear
        self._record = record
        self._press = press
        self._beep = beep
        self._since = 0.0
        self._pressed_at = 0.0

    async def talk(self) -> None:
        """Until the last reply has been heard."""
        called = self._scenario.direction == "outbound"
        await (asyncio.sleep(PICKS_UP) if called else self._agent_begins())
        for number, turn in enumerate(self._scenario.turns, 1):
            if not called or number > 1:
                await self._until(partial(self._is_due, turn))
            start = self._ear.now
            said = await self._take(turn)
            asks = turn.deed in {"say", "interrupt", "dtmf", *MACHINES}
            self._record.taken.append(Taken(number, said, start, self._ear.now, asks))
            if turn.deed in {"say", "interrupt", *MACHINES}:
                self._since = self._ear.now
            if turn.deed in {"say", "interrupt"}:
                await self._agent_begins()
        await self._until(self._agent_has_finished)

    async def rustle(self) -> None:
        """The scenario's noise bed, until cancelled."""
        bed = self._scenario.noise_bed
        while bed is not None:
            await asyncio.sleep(bed.every)
            self._line.rustle(bed.seconds)

    async def _take(self, turn: Turn) -> str:
        match turn.deed:
            case "noise":
                self._line.noise(turn.noise or 0.0)
                await asyncio.sleep(turn.noise or 0.0)
            case "silence":
                await asyncio.sleep(turn.silence or 0.0)
            case "dtmf":
                for key in turn.dtmf or "":
                    self._press(key)
                    await asyncio.sleep(BETWEEN_KEYS)
                self._pressed_at = self._ear.now
            case "echo":
                await self._give_back(turn.echo or 0)
            case "beep":
                await self._beep(turn.beep or 0.0)
            case _:
                await self._say((turn.words or "").split(), turn)
        return turn.words or ""

    async def _say(self, words: list[str], turn: Turn) -> None:
        await self._line.say(words, SECONDS_A_WORD * len(words), trails_off=turn.trails_off)

    async def _give_back(self, words: int) -> None:
        """The agent's next words, each as it comes; no more once the agent has finished."""
        heard = self._record.heard
        for at in range(len(heard), len(heard) + words):
            await self._until(partial(self._has_heard, at))
            for word in heard[at : at + 1]:
                self._line.echo(word.text, SECONDS_A_WORD)

    def _has_heard(self, words: int) -> bool:
        return len(self._record.heard) > words or self._agent_has_finished()

    def _is_due(self, turn: Turn) -> bool:
        if turn.deed in MACHINES:
            return True
        if not turn.over_agent or self._agent_has_finished():
            return self._agent_has_finished()
        began = self._speech_began()
        if began is None:
            return False
        if turn.at_word is not None:
            said = words_of(self._record.agent_words(since=began))
            return set(words_of(turn.at_word)) <= set(said)
        return self._ear.now >= began + (turn.after or 0.0)

    def _agent_has_finished(self) -> bool:
        quiet_since = max(self._since, self._pressed_at, self._ear.quiet_since)
        return not self._ear.hears and self._ear.now - quiet_since >= SETTLED

    def _speech_began(self) -> float | None:
        """The first sound of the present reply."""
        return self._ear.began_after(self._since)

    async def _agent_begins(self) -> None:
        with suppress(TimeoutError):  # nobody replies: the checks see it, and the caller goes on
            async with asyncio.timeout(PATIENCE):
                await self._until(lambda: self._speech_began() is not None)

    async def _until(self, fact: Callable[[], bool]) -> None:
        while not fact():  # noqa: ASYNC110 -- mostly for silence, of which nothing tells
            await asyncio.sleep(LOOK)
