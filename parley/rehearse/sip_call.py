"""One scenario as a real call: its caller at a line of `sip/simulate`, and the record of both ends."""

import asyncio
import contextlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parley.rehearse.caller import Caller
from parley.rehearse.play import HUNG_UP
from parley.rehearse.record import Heard, Record, Spell
from parley.rehearse.scenario import Scenario
from parley.rehearse.sip_mind import Minds, Notes
from parley.rehearse.sip_plan import Part
from parley.rehearse.sip_stack import OwnStack
from sip.simulate.caller import CallFailedError, call
from sip.simulate.conversation import Turn
from sip.simulate.hearing import levels
from sip.simulate.line import Line
from sip.simulate.measure import agent_loud
from sip.simulate.noises import clatter, murmur
from sip.simulate.observer import Overheard, overhearing
from sip.simulate.script import TurnScript
from sip.simulate.speech import Samples
from sip.simulate.timeline import Recording

LONGEST = 600.0
"""Seconds of a call: one that hangs shall fail."""
SUMMARY_PATIENCE = 10.0
"""Seconds in which the worker tells how a call was, once it is over."""
PAUSE = 0.2
"""Seconds: a shorter silence is a part of speech."""
ECHO_OPEN = 0.6
"""Seconds for which a word of the agent's keeps the line's echo open."""


@dataclass(frozen=True)
class Played:
    """`recording` is there when the call was answered."""

    record: Record
    recording: Recording | None = None
    overheard: Overheard | None = None
    began: float = 0.0
    """The answer, on the loop's clock."""


async def play(part: Part, stack: OwnStack, minds: Minds) -> Played:
    """The call from its dialling to the worker's summary. Raises SpeechError."""
    sounds = await _Sounds.of(part.scenario)
    notes = minds.afresh(part.model)
    record = Record()
    from_ = f"+1555019{random.randrange(10_000):04}"
    try:
        async with (
            overhearing(stack.line, from_) as overheard,
            call(stack.line, to=part.number, from_=from_) as line,
        ):
            ear = _Ear(line, overheard, record)
            for away in part.scenario.away:
                since = line.answered_at + away.after
                notes.away.append((since, since + away.seconds))
            try:
                async with asyncio.timeout(LONGEST):
                    await _converse(part.scenario, line, ear, record, sounds)
            except TimeoutError:
                record.error = f"it did not end in {LONGEST:.0f} s"
            by_agent, end = line.hung_up, line.now()
            record.pressed = line.keys_heard
    except CallFailedError as error:
        return Played(Record(error=str(error)))
    ear.look()
    recording = line.recording(end)
    await _complete(record, recording, line.answered_at, end)
    _note_mind(record, notes, overheard)
    await _note_summary(record, stack.log, overheard.room, by_agent=by_agent)
    return Played(record, recording, overheard, line.answered_at)


async def _converse(
    scenario: Scenario, line: Line, ear: "_Ear", record: Record, sounds: "_Sounds"
) -> None:
    """Until the caller has done all, or the agent has hung up."""
    async with asyncio.TaskGroup() as tasks:

        def press(key: str) -> None:
            tasks.create_task(line.press(key))

        caller = Caller(scenario, _Mouth(line, sounds), ear, record, press)
        beside = [tasks.create_task(ear.follow()), tasks.create_task(caller.rustle())]
        talking = tasks.create_task(caller.talk())
        down = tasks.create_task(line.until(lambda: False))
        await asyncio.wait({talking, down}, return_when=asyncio.FIRST_COMPLETED)
        for task in (*beside, talking, down):
            task.cancel()


@dataclass(frozen=True)
class _Sounds:
    """What the caller will say and do, made before the call."""

    words: dict[str, Samples]
    noises: dict[float, Samples]

    @classmethod
    async def of(cls, scenario: Scenario) -> "_Sounds":
        """Raises SpeechError."""
        said = {" ".join(turn.words.split()) for turn in scenario.turns if turn.words}
        noises = {turn.noise for turn in scenario.turns if turn.noise}
        return cls(
            {text: (await Turn.of(TurnScript(say=text))).speech for text in said},
            {seconds: await murmur(seconds) for seconds in noises},
        )


class _Mouth:
    """`parley.rehearse.caller.Mouth` at a real line."""

    def __init__(self, line: Line, sounds: _Sounds) -> None:
        self._line = line
        self._sounds = sounds
        self._rustled = 0

    async def say(self, words: list[str], seconds: float, *, trails_off: bool) -> None:
        await self._line.say(self._sounds.words[" ".join(words)])

    def noise(self, seconds: float) -> None:
        self._line.under.play(self._sounds.noises[seconds])

    def rustle(self, seconds: float) -> None:
        self._rustled += 1
        self._line.under.play(clatter(seconds, self._rustled))

    def echo(self, word: str, seconds: float) -> None:
        """The line cannot tell words apart: it gives back what it carries."""
        self._line.echoes_until = self._line.now() + ECHO_OPEN


class _Ear:
    """`parley.rehearse.caller.Ear`: sound from the line, words from the room."""

    def __init__(self, line: Line, overheard: Overheard, record: Record) -> None:
        self._line = line
        self._overheard = overheard
        self._record = record
        self._began: list[float] = []
        self._pieces = 0

    @property
    def now(self) -> float:
        return self._line.now() - self._line.answered_at

    @property
    def hears(self) -> bool:
        return self._line.ear.quiet_for(self._line.now()) < PAUSE

    @property
    def quiet_since(self) -> float:
        last = self._line.ear.last
        return 0.0 if last is None else last - self._line.answered_at

    def began_after(self, since: float) -> float | None:
        return next((at for at in self._began if at >= since), None)

    async def follow(self) -> None:
        """At every frame, until the line is down."""

        def looked() -> bool:
            self.look()
            return False

        await self._line.until(looked)

    def look(self) -> None:
        answered, began = self._line.answered_at, self._line.ear.began
        if began is not None and began - answered not in self._began[-1:]:
            self._began.append(began - answered)
        pieces = sum(len(words.pieces) + words.whole for words in self._overheard.replies)
        if pieces == self._pieces:
            return
        self._pieces = pieces
        told = [
            Heard(at - answered, word)
            for words in self._overheard.replies
            for at, word in words.timed()
        ]
        self._record.heard[:] = sorted(told, key=lambda heard: heard.at)


async def _complete(record: Record, recording: Recording, answered: float, end: float) -> None:
    """What the recording says of the agent's sound."""
    loud = await asyncio.to_thread(lambda: agent_loud(levels(recording.agent)))
    shift = answered - recording.start
    record.sound = [Spell(spell.start - shift, spell.end - shift) for spell in loud]
    record.seconds = end - answered


def _note_mind(record: Record, notes: Notes, overheard: Overheard) -> None:
    """The history is what the model was last sent, and what was said after that."""
    record.prompts = [asked.prompt for asked in notes.asked]
    record.tools = [use for asked in notes.asked for use in asked.calls]
    last = notes.asked[-1] if notes.asked else None
    since = last.at if last else 0.0
    later = [words.text.strip() for words in overheard.replies if words.at >= since]
    record.history = [*(last.said if last else ()), *later]


async def _note_summary(record: Record, log: Path, room: str | None, *, by_agent: bool) -> None:
    try:
        async with asyncio.timeout(SUMMARY_PATIENCE):
            while (summary := await asyncio.to_thread(_summary, log, room)) is None:  # noqa: ASYNC110 -- a file tells nobody
                await asyncio.sleep(0.1)
    except TimeoutError:
        record.error = record.error or "the worker did not say how the call ended"
        return
    record.interruptions = summary["interruptions"]
    record.ended = summary["end_reason"] or ""
    if not by_agent:
        record.ended = HUNG_UP
    if summary["error"]:
        record.error = f"it failed with {summary['error']}"


def _summary(log: Path, room: str | None) -> dict[str, Any] | None:
    """Of the call in that room, as the worker logs it."""
    for entry in _entries(log):
        if entry.get("message") == "call ended" and entry.get("room") == room:
            return entry
    return None


def _entries(log: Path) -> Iterator[dict[str, Any]]:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                yield entry
