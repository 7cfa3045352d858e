"""Calls in which things are uttered into a story, on a stack that is there for them alone."""

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

import aiohttp
import numpy as np

from bench.manners_cases import ACKNOWLEDGEMENTS, INTERRUPTIONS
from bench.manners_sound import Story, word_ends
from parley.rehearse.command import PERSONAS
from parley.rehearse.scenario import Scenario
from parley.rehearse.sip_doors import door
from parley.rehearse.sip_mind import Minds, Notes
from parley.rehearse.sip_plan import Part, planned
from parley.rehearse.sip_stack import OwnStack, own_stack
from sip.simulate.caller import call
from sip.simulate.conversation import Turn
from sip.simulate.hearing import levels, spells
from sip.simulate.line import Line
from sip.simulate.observer import Overheard, overhearing
from sip.simulate.script import TurnScript
from sip.simulate.speech import RATE, Samples
from sip.simulate.timeline import Recording

ASK = "tell me a story"
SENTENCES = (
    "Once there lived a poor fisherman who had three daughters and a leaking old boat.",
    "Every morning he rowed far beyond the harbour wall before the others were awake.",
    "His eldest daughter mended torn nets under a lamp until her eyes were red.",
    "One cold day they found a golden herring among the others at the bottom of the boat.",
    "It begged them kindly for its life and promised to remember what they did.",
    "They laughed and let it go because nobody can eat a fish that talks.",
    "In the spring the boat was full every evening and the roof was mended at last.",
)
QUIET = 1.2
"""Seconds of silence after which the agent has finished."""
AFTER = 4.0
"""Seconds after an utterance in which it shows what came of it."""
INTO = (1.5, 4.5)
"""Seconds of the story before an utterance."""
LAST = 12.0
"""Seconds into a story after which a new one is asked for."""
PATIENCE = 60.0

Fact = Callable[[], bool]


class Case(NamedTuple):
    kind: str
    text: str
    sound: Samples
    stops: bool


@dataclass(frozen=True)
class Uttered:
    """On the loop's clock: when its voice began, and ended."""

    case: Case
    onset: float
    end: float


@dataclass(frozen=True)
class Call:
    recording: Recording
    uttered: tuple[Uttered, ...]
    overheard: Overheard
    notes: Notes


def scenario(name: str) -> Scenario:
    """Whose words are all that rehearsal ears have to know."""
    said = [ASK, *(text for text, _ in (*ACKNOWLEDGEMENTS, *INTERRUPTIONS))]
    return Scenario.model_validate(
        {
            "name": name,
            "goal": "Utters things into a story.",
            "with": {"greeting": "Good day.", "instructions": "You tell stories."},
            "script": {
                "unknown": "I see.",
                "entries": [{"name": "story", "hears": [ASK], "says": " ".join(SENTENCES)}],
            },
            "turns": [{"say": text} for text in said],
            "checks": [{"contains": ["day"]}],
        }
    )


class Rig:
    """A story's teller behind a number: for one call at a time."""

    def __init__(self, stack: OwnStack, minds: Minds, part: Part) -> None:
        self.stack = stack
        self._minds = minds
        self._part = part

    async def call(self, cases: Sequence[Case], seed: int) -> Call:
        """One in which they are uttered, one after another."""
        random, notes = Random(seed), self._minds.afresh(self._part.model)
        from_ = f"+1555018{random.randrange(10_000):04}"
        ask = (await Turn.of(TurnScript(say=ASK))).speech
        async with (
            overhearing(self.stack.line, from_) as overheard,
            call(self.stack.line, to=self._part.number, from_=from_) as line,
        ):
            uttered = await _Talk(line, ask, random).utter(cases)
            end = line.now()
        return Call(line.recording(end), tuple(uttered), overheard, notes)

    async def story(self) -> Story:
        """One undisturbed telling."""
        agent = (await self.call([], 0)).recording.agent
        heard = spells(levels(agent), pause=QUIET)
        longest = max(heard, key=lambda spell: spell.end - spell.start)
        return Story(agent[round(longest.start * RATE) : round(longest.end * RATE)])

    async def word_ends(self, story: Story) -> list[float]:
        """By the voice itself."""
        url, key = self.stack.speech
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"}
        async with aiohttp.ClientSession(url, headers=headers) as http:
            sentences = [
                [await _spoken(http, beginning) for beginning in _beginnings(sentence)]
                for sentence in SENTENCES
            ]
        return word_ends(story, sentences)


@asynccontextmanager
async def rigs(count: int) -> AsyncGenerator[list[Rig]]:
    """On one stack. Raises what `parley rehearse --sip` raises."""
    wanted = [scenario(f"manners-{number}") for number in range(1, count + 1)]
    with tempfile.TemporaryDirectory(prefix="parley-manners-") as folder:
        plan = planned(wanted, PERSONAS, Path(folder))
        parts = list(plan.parts.values())
        minds = Minds({part.model: part.script for part in parts if part.script})
        async with (
            minds.serving(),
            own_stack(plan, minds, os.environ) as stack,
            AsyncExitStack() as doors,
        ):
            for part in parts:
                await doors.enter_async_context(door(stack.line, part))
            yield [Rig(stack, minds, part) for part in parts]


def _beginnings(sentence: str) -> list[str]:
    words = sentence.split()
    return [" ".join(words[:count]) for count in range(1, len(words) + 1)]


async def _spoken(http: aiohttp.ClientSession, text: str) -> Samples:
    wanted = {"input": text, "response_format": "pcm", "sample_rate": RATE}
    async with http.post("/v1/audio/speech", json=wanted, raise_for_status=True) as answer:
        return np.frombuffer(await answer.read(), dtype="<i2").astype(np.int16)


class _Talk:
    def __init__(self, line: Line, ask: Samples, random: Random) -> None:
        self._line = line
        self._ask = ask
        self._random = random

    async def utter(self, cases: Sequence[Case]) -> list[Uttered]:
        uttered: list[Uttered] = []
        await self._begins(self._line.dialled_at)
        await self._quiet()
        if not cases:
            await self._story()
            await self._quiet()
        began: float | None = None
        for case in cases:
            if began is None or self._line.now() - began > LAST:
                await self._quiet()
                began = await self._story()
            await self._pass(self._random.uniform(*INTO))
            uttered.append(await self._say(case))
            await self._pass(AFTER)
            if case.stops or self._line.ear.quiet_for(self._line.now()) > QUIET:
                began = None
        return uttered

    async def _say(self, case: Case) -> Uttered:
        start = self._line.now()
        await self._line.say(case.sound)
        voiced = spells(levels(case.sound), pause=1.0, least=0.01)
        first = voiced[0].start if voiced else 0.0
        last = voiced[-1].end if voiced else case.sound.size / RATE
        return Uttered(case, start + first, start + last)

    async def _story(self) -> float:
        asked = self._line.now()
        await self._line.say(self._ask)
        await self._begins(asked)
        return self._line.now()

    async def _begins(self, after: float) -> None:
        ear = self._line.ear
        await self._until(lambda: ear.began is not None and ear.began > after)

    async def _quiet(self) -> None:
        await self._until(lambda: self._line.ear.quiet_for(self._line.now()) > QUIET)

    async def _pass(self, seconds: float) -> None:
        until = self._line.now() + seconds
        await self._until(lambda: self._line.now() >= until)

    async def _until(self, fact: Fact) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._line.until(fact)
