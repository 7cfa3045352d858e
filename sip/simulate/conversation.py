"""The caller's manners: hear the agent out, speak, wait for the answer; or speak over it when told to."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sip.simulate.hearing import levels, spells
from sip.simulate.line import Line
from sip.simulate.script import TurnScript
from sip.simulate.speech import RATE, Samples, loaded, spoken

SETTLED = 1.0
"""Seconds of silence after which the agent has finished."""

PATIENCE = 10.0
"""Seconds that the caller waits for the agent's first sound."""

_MARGIN = RATE // 10  # kept around speech: soft starts and ends are below the level that counts


@dataclass(frozen=True)
class Turn:
    """A turn ready to be spoken."""

    script: TurnScript
    said: str
    speech: Samples

    @classmethod
    async def of(cls, script: TurnScript) -> "Turn":
        """Raises SpeechError."""
        if script.play is not None:
            return cls(script, script.play.name, _trimmed(await loaded(script.play)))
        text = script.say or ""
        return cls(script, text, _trimmed(await spoken(text, script.voice)))


@dataclass(frozen=True)
class Taken:
    """When a turn was spoken, on the loop's clock, and whether the agent was speaking then."""

    turn: Turn
    start: float
    end: float
    over_agent: bool


async def converse(line: Line, turns: Sequence[Turn]) -> list[Taken]:
    """Take `turns`, each after the agent has finished or, where told, over it.

    Ends early when the agent hangs up: what is missing was not spoken.
    """
    taken: list[Taken] = []
    await agent_begins(line, after=line.dialled_at)
    for turn in turns:
        over_agent = await my_turn(line, turn.script.barge_in)
        if line.hung_up:
            break
        start = line.now()
        await line.say(turn.speech)
        taken.append(Taken(turn, start, line.now(), over_agent))
        await agent_begins(line, after=taken[-1].end)
    await my_turn(line, None)
    return taken


async def agent_begins(line: Line, *, after: float) -> None:
    """Wait for the agent's first sound `after`, as long as a caller does."""

    def begun() -> bool:
        return line.ear.began is not None and line.ear.began > after

    try:
        async with asyncio.timeout(PATIENCE):
            await line.until(begun)
    except TimeoutError:
        return  # a turn without a reply: the measurement finds none, and the caller goes on


async def my_turn(line: Line, barge_in: float | None, settled: float = SETTLED) -> bool:
    """Wait until the agent has finished, or `barge_in` s into its speech. True when it still speaks.

    It has finished when it was silent for `settled` seconds.
    """
    began = line.ear.began

    def finished() -> bool:
        return line.ear.quiet_for(line.now()) >= settled

    def mine() -> bool:
        due = began is not None and barge_in is not None and line.now() >= began + barge_in
        return due or finished()

    await line.until(mine)
    return not line.hung_up and not finished()


def _trimmed(speech: Samples) -> Samples:
    """Without the silence that speakers and files leave at their ends: the turn ends where its speech ends."""
    heard = spells(levels(speech))
    if not heard:
        return speech
    first = max(0, round(heard[0].start * RATE) - _MARGIN)
    last = min(speech.size, round(heard[-1].end * RATE) + _MARGIN)
    return np.ascontiguousarray(speech[first:last])
