"""A call that is interrupted, to be heard and seen: `python -m bench.manners --recording FOLDER`.

Writes interrupted.wav (the caller left, the agent right), interrupted.svg (both waveforms, and the
agent's sound and level at the cut) and interrupted.md (what was said, heard and kept).
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.manners_calls import ASK, Call, Case, rigs
from bench.manners_sip import Outcome, outcomes
from sip.simulate.conversation import Turn
from sip.simulate.hearing import HOP_SECONDS, levels
from sip.simulate.script import TurnScript
from sip.simulate.speech import RATE, Samples

WORDS = "no I meant Tuesday"
WIDE, HIGH, GAP = 1200, 150, 24
"""Of a drawing, and between two. Pixels."""
AROUND = (-0.6, 2.4)
"""Seconds from the onset that the level is drawn for."""
FLOOR = -70.0
"""dBFS at the foot of the level's drawing."""


def record(folder: Path) -> list[Path]:
    """What was written. Raises what `parley rehearse --sip` raises."""
    told, found = asyncio.run(_interrupted())
    folder.mkdir(parents=True, exist_ok=True)
    sound, drawing, text = (folder / f"interrupted.{ending}" for ending in ("wav", "svg", "md"))
    told.recording.save(sound)
    drawing.write_text(picture(told, found), encoding="utf-8")
    text.write_text("\n".join(page(told, found)), encoding="utf-8")
    return [sound, drawing, text]


async def _interrupted() -> tuple[Call, Outcome | None]:
    speech = (await Turn.of(TurnScript(say=WORDS))).speech
    async with rigs(1) as [rig]:
        story = await rig.story()
        ends = await rig.word_ends(story)
        told = await rig.call([Case("interruption", WORDS, speech, stops=True)], seed=7)
    return told, next(iter(outcomes(told, story, ends)), None)


def page(told: Call, found: Outcome | None) -> Iterator[str]:
    """The history as the model was last sent it, and the figures."""
    yield "# An interrupted call"
    yield ""
    yield f"The caller asks {ASK!r} and says {WORDS!r} into the story. interrupted.wav has both, the"
    yield "caller left and the agent right; interrupted.svg shows where the agent's sound goes down."
    yield ""
    if found and found.silent is not None:
        yield f"- onset of the caller's voice to silence (20 dB down): {found.silent:.3f} s"
        if found.decided is not None:
            yield f"- decision to silence: {found.decided:.3f} s"
        yield f"- words of the history more, or less, than were heard: {found.off_by}"
    yield ""
    yield "What the model was sent after it:"
    yield ""
    last = told.notes.asked[-1].prompt.splitlines() if told.notes.asked else []
    yield from (f"    {line}" for line in last if not line.startswith("system:"))
    yield ""


def picture(told: Call, found: Outcome | None) -> str:
    """SVG."""
    recording = told.recording
    start = told.uttered[0].onset - recording.start if told.uttered else 0.0
    drawn = [
        *_waveform("caller", recording.caller, 0),
        *_waveform("agent", recording.agent, HIGH + GAP),
        *_waveform("agent, at the cut", _near(recording.agent, start), 2 * (HIGH + GAP)),
        *_level(recording.agent, start, found, 3 * (HIGH + GAP)),
    ]
    high = 4 * (HIGH + GAP) + GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" '
            'font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDE}" height="{high}" fill="white"/>',
            *drawn,
            "</svg>",
            "",
        ]
    )


def _waveform(name: str, sound: Samples, top: int) -> Iterator[str]:
    """A column a pixel: from the lowest sample to the highest."""
    columns = np.array_split(sound.astype(np.float64) / 32768, WIDE)
    middle = top + HIGH / 2
    path = "".join(
        f"M{x},{middle - HIGH / 2 * column.max():.1f}V{middle - HIGH / 2 * column.min():.1f}"
        for x, column in enumerate(columns)
        if column.size
    )
    yield f'<path d="{path}" stroke="#345" fill="none"/>'
    yield f'<text x="4" y="{top + 14}">{name}, {sound.size / RATE:.1f} s</text>'


def _near(sound: Samples, onset: float) -> Samples:
    return sound[round(max(0.0, onset + AROUND[0]) * RATE) : round((onset + AROUND[1]) * RATE)]


def _level(sound: Samples, onset: float, found: Outcome | None, top: int) -> Iterator[str]:
    """The agent's, every 5 ms, with the caller's onset and the silence marked here and above."""
    first = max(0.0, onset + AROUND[0])
    part = levels(sound)[round(first / HOP_SECONDS) : round((onset + AROUND[1]) / HOP_SECONDS)]
    scale = WIDE / (AROUND[1] - AROUND[0])
    points = " ".join(
        f"{n * HOP_SECONDS * scale:.1f},{top + HIGH * min(1.0, max(level, FLOOR) / FLOOR):.1f}"
        for n, level in enumerate(part)
    )
    yield f'<polyline points="{points}" stroke="#345" fill="none"/>'
    yield from _mark("the caller's voice begins", (onset - first) * scale, top)
    if found and found.silent is not None:
        yield from _mark("20 dB down", (onset - first + found.silent) * scale, top)
        if found.decided is not None:
            at = onset - first + found.silent - found.decided
            yield from _mark("decided", at * scale, top, row=1)
    yield f'<text x="4" y="{top + HIGH + 14}">the agent&#8217;s level, 0 to {FLOOR:.0f} dBFS</text>'


def _mark(text: str, x: float, top: int, row: int = 0) -> Iterator[str]:
    """Through this drawing and the one above it."""
    above = HIGH + GAP
    yield f'<path d="M{x:.1f},{top - above}v{above + HIGH}" stroke="#c33"/>'
    yield f'<text x="{x + 4:.1f}" y="{top + 12 + 14 * row}" fill="#c33">{text}</text>'
