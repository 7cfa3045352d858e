"""Where in a story that is known the agent is, by its sound at the caller. Pure.

The same voice says the same text alike, so that a piece of a recording is found in an undisturbed
telling by how its level goes up and down: codecs and jitter buffers change samples, and leave that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from sip.simulate.hearing import HOP_SECONDS, SPEECH, levels, spells
from sip.simulate.measure import Levels
from sip.simulate.speech import RATE, Samples

ALIKE = 0.75
"""Correlation of levels from which a piece is a part of the story."""
SOMEWHERE = 0.4
"""The same for a sentence that is known to be in it: the line may have bent some of its sound."""
PIECE = 1.2
"""Seconds of a piece."""
STEP = 0.1
HOLD = 0.2
"""Seconds of silence, or it is one between two sounds."""
MISSING = 0.12
"""Seconds of the story that a silence swallows, or it is the story's own: the way may be longer or
shorter by some than it was."""
BRIEF, NEARLY_ALL = 0.08, 0.8
"""Of a silence before something else is said: its seconds, and how much of it swallows the story."""
NEAR = 0.2
"""Seconds by which a place may be off."""
FLOOR = -55.0
"""dBFS: what is lower is silence alike."""
DOWN = 20.0
"""Decibels under the agent's own level: silent."""
LINGER = 2.0
"""Seconds after an utterance in which the agent may speak on and yet have been stopped by it."""
EDGE = 0.3
"""Seconds of a piece's end that must sound, or it may be the last of what was cut."""
BEYOND = 5.0
"""Seconds after an utterance in which the agent may come back to its story."""


@dataclass(frozen=True)
class Effect:
    """What an utterance did to the story. Seconds."""

    silent: float | None
    """From the onset to the end of the story's sound; None where it went on."""
    reached: float
    """How far the story was told by then, in the undisturbed telling."""
    paused: float
    """Silence that it came out of, beyond the story's own."""
    lost: float
    """Of the story, that was not told when it went on."""


class Story:
    """`telling` is one at the caller, undisturbed, from its first sound on."""

    def __init__(self, telling: Samples) -> None:
        self.telling = telling
        self.seconds = telling.size / RATE
        self._level = _shape(telling)

    def place(
        self, piece: Samples, until: float | None = None, *, least: float = ALIKE
    ) -> float | None:
        """Where `piece` ends in the telling, up to `until`; None where it is no part of that."""
        shape = _shape(piece)
        if not 0 < shape.size <= self._level.size or shape.std() < 1.0:
            return None
        end = None if until is None else max(shape.size, round(until / HOP_SECONDS))
        views = sliding_window_view(self._level[:end], shape.size)
        spread = np.maximum(views.std(axis=1), 1.0) * shape.std()
        centred = shape - shape.mean()
        alike = (views @ centred) / shape.size / spread
        best = int(np.argmax(alike))
        if alike[best] < least:
            return None
        return best * HOP_SECONDS + piece.size / RATE


def _shape(sound: Samples) -> Levels:
    return np.maximum(levels(sound), FLOOR)


def effect(story: Story, agent: Samples, onset: float, end: float) -> Effect | None:
    """Of what was uttered from `onset` to `end` in a recording; None where no story was told then."""
    before = _place_before(story, agent, onset)
    if before is None:
        return None
    at, place = before
    for later in np.arange(end + LINGER, end + BEYOND, STEP):
        told = place + (float(later) - at) + NEAR
        now = story.place(_piece(agent, float(later) - PIECE, float(later)), told)
        sounds = _quiet(agent, float(later) - EDGE, float(later)) < EDGE / 2
        if now is not None and now > place and sounds:
            behind = (float(later) - at) - (now - place)
            silences = _quiet(agent, at, float(later)) - _quiet(story.telling, place, now)
            paused = max(0.0, behind, silences)
            return Effect(None, now, round(paused, 3), round(max(0.0, silences - behind), 3))
    stop = _cut(story, agent, onset, at - place)
    return Effect(round(stop - onset, 3), stop - (at - place), 0.0, 0.0)


def _place_before(story: Story, agent: Samples, onset: float) -> tuple[float, float] | None:
    """A time up to the onset at which it is known where the story was, and where."""
    for at in np.arange(onset, onset - 2.0, -STEP):
        place = story.place(_piece(agent, float(at) - PIECE, float(at)))
        if place is not None:
            return float(at), place
    return None


def _cut(story: Story, agent: Samples, onset: float, lag: float) -> float:
    """When the agent's sound ended: from then on it is silent where the story, told `lag` seconds
    later than in the telling, is not."""
    heard, told = levels(agent), levels(story.telling)
    quiet, loud = heard < _own(heard) - DOWN, told > _own(told) - DOWN
    first, asked = _hops(lag), _hops(onset)
    for start, end in _runs(quiet):
        swallowed = loud[max(0, max(start, asked) - first) : max(0, end - first)]
        silence, missing = end - max(start, asked), np.count_nonzero(swallowed)
        held = silence >= _hops(HOLD) and missing >= _hops(MISSING)
        if held or (silence >= _hops(BRIEF) and missing >= NEARLY_ALL * silence):
            return start * HOP_SECONDS
    sounds = np.flatnonzero(~quiet[: first + loud.size])
    return float(sounds[-1] + 1 if sounds.size else 0) * HOP_SECONDS


def _runs(those: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where it is so, from the first index to after the last."""
    edges = np.flatnonzero(np.diff(those, prepend=False, append=False))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _own(level: Levels) -> float:
    """Of the agent: its mean power while it speaks."""
    speaking = level[level > SPEECH]
    return float(10 * np.log10(np.mean(10 ** (speaking / 10)))) if speaking.size else SPEECH


def _hops(seconds: float) -> int:
    return round(seconds / HOP_SECONDS)


def _quiet(sound: Samples, start: float, end: float) -> float:
    """Seconds in it under the agent's level."""
    level = levels(sound)
    part = level[round(start / HOP_SECONDS) : round(end / HOP_SECONDS)]
    return float(np.count_nonzero(part < _own(level) - DOWN)) * HOP_SECONDS


def _piece(sound: Samples, start: float, end: float) -> Samples:
    return sound[max(0, round(start * RATE)) : max(0, round(end * RATE))]


def word_ends(story: Story, sentences: Sequence[Sequence[Samples]]) -> list[float]:
    """When each word of the story was said, in the telling: `sentences` hold the sound of each of
    their beginnings, one word longer every time.

    Raises ValueError if the telling has them in another order: it was no undisturbed one.
    """
    ends: list[float] = []
    for beginnings in sentences:
        whole = _sounding(beginnings[-1])
        end = story.place(whole, least=SOMEWHERE)
        start = -1.0 if end is None else end - whole.size / RATE
        if start < (ends[-1] if ends else 0.0) - NEAR:
            raise ValueError("the telling is not the story's: try again on a quiet machine")
        ends += [start + _sounding(each).size / RATE for each in beginnings]
    return ends


def _sounding(sound: Samples) -> Samples:
    """Without the silence around it."""
    found = spells(levels(sound))
    return _piece(sound, found[0].start, found[-1].end) if found else sound[:0]
