"""The cases of bench/manners_cases.py at a real line: how long the agent speaks on, at the caller."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from random import Random

from agent.barge_in.verdict import Meaning, judge
from agent.lexicon import Lexicon
from agent.persona.policies import StopSpeakingPlan
from bench.manners_calls import Call, Case, Rig, Uttered, rigs
from bench.manners_cases import ACKNOWLEDGEMENTS, INTERRUPTIONS, NOISES, WORDLESS
from bench.manners_sound import Effect, Story, effect
from bench.simulated_table import line, percentiles
from parley.rehearse.sip_mind import Notes
from sip.simulate.caller import CallFailedError, call
from sip.simulate.conversation import Turn
from sip.simulate.noises import clatter, murmur
from sip.simulate.observer import Overheard
from sip.simulate.path import path_times
from sip.simulate.script import TurnScript
from sip.simulate.speech import Samples

AT_ONCE = 1
"""Calls."""
NEXT = 10.0
"""Seconds after an interruption in which the model is sent what became of the story."""
BEGINNING = "Once there"
HARD = frozenset({"door", "cup"})
"""Noises without a voice in them."""
FALSE_STOP = 0.3
"""Seconds of silence that a backchannel or a noise may cause."""
WHOLE = 0.06
"""Seconds of a story that may be missing when it goes on: less is not heard."""
LEXICON = Lexicon.of("en")
SPELT = {"Mm-hmm.": "um hum"}
"""What flite would spell, as it says it."""
NOT_SPEAKING = frozenset({"listening", "thinking"})


@dataclass(frozen=True)
class Outcome:
    kind: str
    text: str
    stops: bool
    stopped: bool
    silent: float | None
    """Seconds from the onset to silence at the caller: 20 dB under the agent's level."""
    decided: float | None
    """Of these, those after the room was told that the agent stops or what the caller says."""
    paused: float
    lost: float
    off_by: int | None
    """Words that the history of a cut story has more, or less, than were heard."""


async def cases(seed: int, each: int) -> list[list[Case]]:
    """So many of all, as the calls in which they are uttered. Raises SpeechError."""
    random = Random(seed)
    calls = []
    for _ in range(each):
        idle = [await _said("backchannel", text, stops=False) for text, _ in ACKNOWLEDGEMENTS]
        for kind, least, most in (*NOISES, WORDLESS):
            idle.append(Case(kind, "", await _noise(kind, random.uniform(least, most)), False))
        cutting = [await _said("interruption", text, stops=True) for text, _ in INTERRUPTIONS]
        for those in (idle, cutting):
            random.shuffle(those)
            half = len(those) // 2
            calls += [those[:half], those[half:]]
    return calls


async def _said(kind: str, text: str, *, stops: bool) -> Case:
    said = SPELT.get(text, text.rstrip(".?"))
    return Case(kind, text, (await Turn.of(TurnScript(say=said))).speech, stops)


async def _noise(kind: str, seconds: float) -> Samples:
    return clatter(seconds, len(kind), level=-24.0) if kind in HARD else await murmur(seconds)


def outcomes(told: Call, story: Story, ends: Sequence[float]) -> list[Outcome]:
    """Of one call. What was uttered while no story was told is left out."""
    found = []
    start = told.recording.start
    afterwards = [*(uttered.onset for uttered in told.uttered[1:]), inf]
    for uttered, following in zip(told.uttered, afterwards, strict=True):
        what = effect(story, told.recording.agent, uttered.onset - start, uttered.end - start)
        if what is not None:
            found.append(_outcome(told, uttered, what, ends, following))
    return found


def _outcome(
    told: Call, uttered: Uttered, what: Effect, ends: Sequence[float], following: float
) -> Outcome:
    """`following` is when something was uttered next."""
    case = uttered.case
    decided = _decided(told.overheard, uttered.onset)
    after = None
    if what.silent is not None and decided is not None:
        after = max(0.0, uttered.onset + what.silent - decided)
    kept = None
    if what.silent is not None:
        kept = _history(told.notes, uttered.onset, min(following, uttered.onset + NEXT))
    return Outcome(
        kind=case.kind,
        text=case.text,
        stops=case.stops,
        stopped=what.silent is not None or what.paused > FALSE_STOP,
        silent=what.silent,
        decided=after,
        paused=what.paused,
        lost=what.lost,
        off_by=None if kept is None else kept - sum(end <= what.reached for end in ends),
    )


def _decided(overheard: Overheard, onset: float) -> float | None:
    """When the room was first told of it: the agent's state, or words that claim the turn."""
    states = (at for at, state in overheard.states if state in NOT_SPEAKING)
    claims = (words.at for words in overheard.interims if _claims(words.text))
    finals = (words.at for words in overheard.heard)
    return min((at for at in (*states, *claims, *finals) if at > onset), default=None)


def _claims(text: str) -> bool:
    """As the agent takes them."""
    verdict = judge(text, own=(), lexicon=LEXICON, num_words=StopSpeakingPlan().num_words)
    return verdict.meaning is Meaning.INTERRUPTION


def _history(notes: Notes, onset: float, until: float) -> int | None:
    """Words of the story in what the model was sent last between them."""
    sent = [asked for asked in notes.asked if onset < asked.at <= until]
    stories = [text for text in (sent[-1].said if sent else ()) if text.startswith(BEGINNING)]
    return len(stories[-1].split()) if stories else None


@dataclass(frozen=True)
class Measured:
    outcomes: tuple[Outcome, ...]
    path: tuple[float, ...]
    """Seconds to an echo in the agent's place and back."""
    left_out: int
    """Utterances into no story, or that could not be placed, and those of calls that failed."""


async def measure(each: int, seed: int) -> Measured:
    """On a stack of its own. Raises what `parley rehearse --sip` raises."""
    calls = await cases(seed, each)
    waiting = iter(enumerate(calls, seed))
    told: list[Call] = []

    async def work(rig: Rig, waiting: Iterator[tuple[int, list[Case]]]) -> None:
        for number, those in waiting:
            with suppress(CallFailedError, TimeoutError):  # what was not uttered is left out
                told.append(await rig.call(those, number))

    async with rigs(AT_ONCE) as stack:
        story = await stack[0].story()
        ends = await stack[0].word_ends(story)
        path = await path_times(stack[0].stack.line, dial=call)
        async with asyncio.TaskGroup() as tasks:
            for rig in stack:
                tasks.create_task(work(rig, waiting))
    found = tuple(each for one in told for each in outcomes(one, story, ends))
    return Measured(found, tuple(path), sum(map(len, calls)) - len(found))


def page(measured: Measured) -> list[str]:
    idle = [o for o in measured.outcomes if not o.stops and o.kind != WORDLESS[0]]
    true = [o for o in measured.outcomes if o.stops]
    cut = [o for o in true if o.silent is not None]
    kept = [o.off_by for o in cut if o.off_by is not None]
    went_on = [o for o in measured.outcomes if o.silent is None and o.paused > WHOLE]
    rows = [
        (
            "false stops, of backchannels and noises",
            "≤ 5 %",
            idle,
            _share([o.stopped for o in idle]),
        ),
        ("interruptions missed", "≤ 2 %", true, _share([not o.stopped for o in true])),
        ("onset → silent, ms", "p95 ≤ 1100", cut, percentiles([o.silent or 0.0 for o in cut])),
        (
            "decided → silent, with the fade, ms",
            "p95 ≤ 400",
            cut,
            percentiles([o.decided for o in cut if o.decided is not None]),
        ),
        (
            "history within one word of what was heard",
            "≥ 95 %",
            kept,
            _share([abs(n) <= 1 for n in kept]),
        ),
        ("resumed without a loss", "all", went_on, _share([o.lost <= WHOLE for o in went_on])),
        ("path alone: there and back, ms", "", measured.path, percentiles(measured.path)),
    ]
    table = [line(("", "target", "cases", "p50 / p95 / p99, or share")), "|---|---|---|---|"]
    table += [line((name, target, str(len(those)), value)) for name, target, those, value in rows]
    wrong = [f"{o.kind} {o.text!r}" for o in (*idle, *true) if o.stopped != o.stops]
    return [
        "# Manners over SIP",
        *_said_of_it(),
        "",
        *table,
        "",
        f"Left out, for no story was told then or the call failed: {measured.left_out}.",
        f"Wrong: {', '.join(sorted(wrong)) or 'none'}.",
    ]


def _said_of_it() -> list[str]:
    return [
        f"Real calls, {AT_ONCE} at once, over livekit-sip, RTP and G.711, with rehearsal models: flite calls,",
        "PocketSphinx hears, a script thinks, espeak-ng speaks. All is taken from the caller's recording:",
        "silent is 20 dB under the agent's level; where the story was cut, or taken up, is found by",
        "correlation with an undisturbed telling, and when a word of it is over by the voice's own sound.",
        "Decided is when the room was told that the agent stops, or told words of the caller's that claim the",
        "turn, whichever came first: the agent decides no later than that.",
    ]


def _share(those: Sequence[bool]) -> str:
    return f"{100 * sum(those) / len(those):.1f} %" if those else "none"
