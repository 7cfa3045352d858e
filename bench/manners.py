"""How well the agent knows when to stop: `python -m bench.manners [--each 10] [--sip]`.

Whole sessions of Parley's and the framework's on virtual time; models, detectors and the telephone
are fakes. What is measured is what is decided and what the worker then sends: no bridge and no line.
With `--sip` a caller of sip/simulate utters the same cases into real calls (bench/manners_sip.py);
`--recording FOLDER` writes one such call to be heard and seen (bench/manners_picture.py).
"""

import argparse
import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from agent.persona import Persona
from bench import manners_picture, manners_sip, record
from bench.manners_cases import WORDLESS, Utterance, cases
from bench.simulated_table import line, percentiles
from tests.fakes.models import SECONDS_A_WORD
from tests.fakes.talk import STORY, Talk, last_sound, silences, talk
from tests.fakes.virtual_time import run

FALSE_STOP = 0.3
"""Seconds of silence that a backchannel or a noise may cause."""

NO_WORDS = 0.3
"""Seconds in which ears find that there were none: the p99 of base.en on two cores."""

PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Good day.")


@dataclass(frozen=True)
class Outcome:
    kind: str
    stops: bool
    """Whether it should have."""
    stopped: bool
    decided: float | None
    """Seconds from the onset of the voice until the sound was stopped, or paused."""
    silent: float | None
    """Seconds from then until silence: 20 dB under the agent's level."""
    paused: float
    """Seconds of the longest silence that the agent came out of by itself."""
    off_by: float | None
    """Words that the history of a cut speech has more, or less, than were heard."""


async def outcome(utterance: Utterance, at: float) -> Outcome:
    """Of the utterance, said so many seconds into an answer."""
    async with talk(PERSONA, [STORY, "I see."], ears_answer=True) as call:
        story = await call.told(at)
        answer_began, onset = call.now - at, call.now
        watching = asyncio.create_task(_decision(call))
        ends: list[float] = []
        story.add_done_callback(lambda _: ends.append(last_sound(call.ear)))
        await call.caller.speak(utterance.seconds, utterance.text, interims=utterance.interims)
        if not utterance.text:
            await asyncio.sleep(NO_WORDS)
            call.caller.hear("")
        await story
        watching.cancel()
        decided = watching.result() if watching.done() and not watching.cancelled() else None
        [ended] = ends
        pauses = [pause for pause in silences(call.ear, onset) if pause[0] < ended]
        paused = max((pause for _, pause in pauses), default=0.0)
        if not story.interrupted:
            stopped = paused > FALSE_STOP
            return Outcome(utterance.kind, utterance.stops, stopped, None, None, paused, None)
        silence = pauses[0][0] if pauses else ended
        heard = ended - answer_began - sum(pause for _, pause in pauses)
        off_by = len(call.history()[-1].split()) - heard / SECONDS_A_WORD
        after = None if decided is None else decided - onset
        until = None if decided is None else silence - decided
        return Outcome(utterance.kind, utterance.stops, True, after, until, paused, off_by)


async def _decision(call: Talk) -> float:
    speech, output = call.session.current_speech, call.playback
    assert speech is not None
    while not speech.interrupted and not output.paused:  # noqa: ASYNC110  # of virtual time
        await asyncio.sleep(0.005)
    return call.now


def measure(each: int, seed: int) -> list[Outcome]:
    random = Random(seed)
    return [run(outcome(case, random.uniform(0.5, 8.0))) for case in cases(seed, each)]


def page(outcomes: Sequence[Outcome]) -> list[str]:
    idle = [each for each in outcomes if not each.stops and each.kind != WORDLESS[0]]
    wordless = [each.paused for each in outcomes if each.kind == WORDLESS[0]]
    true = [each for each in outcomes if each.stops]
    cut = [each for each in true if each.off_by is not None]
    false_stops = _share([each.stopped for each in idle])
    missed = _share([not each.stopped for each in true])
    exact = _share([abs(each.off_by) <= 1.0 for each in cut if each.off_by is not None])
    rows = [
        ("false stops, of backchannels and noises", "≤ 5 %", len(idle), false_stops),
        ("interruptions missed", "≤ 2 %", len(true), missed),
        ("onset → decided, ms", "", len(cut), percentiles([e.decided for e in cut if e.decided])),
        (
            "decided → silent, with the fade, ms",
            "p95 ≤ 400 at the caller",
            len(cut),
            percentiles([e.silent for e in cut if e.silent]),
        ),
        ("pause for a wordless voice of over 0.5 s, ms", "", len(wordless), percentiles(wordless)),
        ("history within one word of what was heard", "≥ 95 %", len(cut), exact),
    ]
    table = [line(("", "target", "cases", "p50 / p95 / p99, or share")), "|---|---|---|---|"]
    table += [line((name, target, str(count), value)) for name, target, count, value in rows]
    kinds = sorted({each.kind for each in idle})
    table += ["", "False stops by kind: " + ", ".join(f"{k} {_of(idle, k)}" for k in kinds) + "."]
    return ["# Manners", *_assumed(), "", *table]


def _assumed() -> list[str]:
    return [
        "Virtual time, so that the machine's speed is no part of it. No model, bridge or line: the",
        "voice detector hears a voice at once, the ears need 0.25 to 0.55 s for a word. Noises of the",
        "set last less than the 0.5 s that interrupt by sound alone; what lasts longer and has no words",
        "(a laugh, a radio that the detector takes for a voice) pauses the agent, and has its own row.",
    ]


def _share(those: Sequence[bool]) -> str:
    return f"{100 * sum(those) / len(those):.1f} %" if those else "none"


def _of(outcomes: Sequence[Outcome], kind: str) -> str:
    those = [each.stopped for each in outcomes if each.kind == kind]
    return f"{sum(those)} of {len(those)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=10, help="times that each case is played")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sip", action="store_true", help="real calls, on a stack of their own")
    parser.add_argument("--recording", type=Path, metavar="FOLDER", help="one interrupted call")
    arguments = parser.parse_args()
    facts = record.started()
    logging.disable(logging.WARNING)
    if arguments.recording:
        print(*manners_picture.record(arguments.recording), sep="\n")
        return
    name, text, outcomes = _measured(arguments)
    written, _ = record.write(name, facts, text, {"outcomes": [asdict(each) for each in outcomes]})
    print(written)


def _measured(
    arguments: argparse.Namespace,
) -> tuple[str, list[str], Sequence[Outcome | manners_sip.Outcome]]:
    if arguments.sip:
        told = asyncio.run(manners_sip.measure(arguments.each, arguments.seed))
        return "manners_sip", manners_sip.page(told), told.outcomes
    outcomes = measure(arguments.each, arguments.seed)
    return "manners", page(outcomes), outcomes


if __name__ == "__main__":
    main()
