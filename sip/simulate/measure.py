"""What a caller's recording says about the agent. Pure: sound and times in, seconds out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from sip.simulate.hearing import HOP_SECONDS, SPEECH, Spell, levels, spells
from sip.simulate.speech import Samples

Levels = npt.NDArray[np.float64]

GAP = 0.06
"""Seconds of silence in the middle of speech that a listener notices."""

_DOWN = 20.0  # dB under the agent's own level: silent
_SILENT_FOR = 0.2
_QUIET = SPEECH - 10.0
_FLOOR = -60.0  # levels below say nothing about where speech is
_LAG = (-0.2, 1.2)  # seconds that the caller may hear later than the room
_PIECE = 1.5  # seconds aligned at once: jitter buffers stretch and shrink sound
_DRIFT = 0.15
_BLUR = 2  # hops by which an alignment may be off


@dataclass(frozen=True)
class Window:
    """When a turn was spoken, in seconds of the recording, and whether the agent was speaking then."""

    start: float
    end: float
    over_agent: bool = False


@dataclass(frozen=True)
class Timing:
    """What a turn got, in seconds; None where it cannot be told."""

    stopped: float | None
    """When the caller's last sound ended, in the recording."""

    reply: float | None
    """Caller stops to the agent's first sound; negative when the agent cut in."""

    silence: float | None
    """Onset of the caller's speech over the agent to the agent's silence."""


def timings(caller: Samples, agent: Samples, windows: Sequence[Window]) -> list[Timing]:
    """One for each window, in order."""
    mine, theirs = spells(levels(caller)), spells(levels(agent))
    loud = agent_loud(levels(agent))
    ends = [window.start for window in windows[1:]] + [math.inf]
    return [
        _timing(mine, theirs, loud, window, end) for window, end in zip(windows, ends, strict=True)
    ]


def agent_loud(level: Levels) -> list[Spell]:
    """Where the agent is less than 20 dB under its own level, with pauses under 0.2 s filled."""
    speaking = level[level > SPEECH]
    if not speaking.size:
        return []
    own = 10 * np.log10(np.mean(10 ** (speaking / 10)))
    return spells(level, above=own - _DOWN, pause=_SILENT_FOR, least=HOP_SECONDS)


def _timing(
    mine: Sequence[Spell],
    theirs: Sequence[Spell],
    loud: Sequence[Spell],
    window: Window,
    until: float,
) -> Timing:
    said = [spell for spell in mine if spell.end > window.start and spell.start < window.end]
    if not said:
        return Timing(None, None, None)
    onset, stop = said[0].start, said[-1].end
    silence = _silence(loud, onset, stop) if window.over_agent else None
    return Timing(stop, _reply(theirs, onset + (silence or 0.0), stop, until), silence)


def _reply(theirs: Sequence[Spell], after: float, stop: float, until: float) -> float | None:
    """The first speech that began `after` and was not over when the caller stopped."""
    for spell in theirs:
        if after < spell.start < until and spell.end > stop:
            return spell.start - stop
    return None


def _silence(loud: Sequence[Spell], onset: float, stop: float) -> float | None:
    """To the end of what the agent was saying, or took up again, while the caller spoke."""
    if not any(spell.start <= onset < spell.end for spell in loud):
        return None
    return max(spell.end for spell in loud if spell.start < stop) - onset


def gaps(sent: Samples, heard: Samples, least: float = GAP) -> list[Spell]:
    """Silences of `least` seconds at the caller while the sound that was sent is not silent.

    Both recordings start at the same moment; the way from one to the other is found by correlation, piece by piece.
    Times are those of `heard`.
    """
    source, arrived = levels(sent), levels(heard)
    if not source.size or not arrived.size:
        return []
    missing = np.zeros(arrived.size, dtype=bool)
    for spell in spells(source, pause=0.5, least=0.1):
        first, last = round(spell.start / HOP_SECONDS), round(spell.end / HOP_SECONDS)
        lag = _lag(source[first:last], arrived, first, _hops(_LAG[0]), _hops(_LAG[1]))
        for begin in range(first, last, _hops(_PIECE)):
            piece = source[begin : min(begin + _hops(_PIECE), last)]
            near = _lag(piece, arrived, begin, lag - _hops(_DRIFT), lag + _hops(_DRIFT))
            _mark(missing, piece, arrived, begin + near)
    return spells(np.where(missing, 0.0, _FLOOR), pause=HOP_SECONDS / 2, least=least)


def _hops(seconds: float) -> int:
    return round(seconds / HOP_SECONDS)


def _lag(piece: Levels, arrived: Levels, at: int, least: int, most: int) -> int:
    """How many hops later `piece`, which was sent at hop `at`, arrived: where the levels agree best."""
    padded = np.full(piece.size + most - least, _FLOOR)
    begin = at + least
    here = arrived[max(begin, 0) : max(begin + padded.size, 0)]
    offset = max(-begin, 0)
    padded[offset : offset + here.size] = here
    views = sliding_window_view(np.maximum(padded, _FLOOR), piece.size)
    # Absolute difference rather than product: a hole must not pull the piece away from its place.
    cost = np.abs(views - np.maximum(piece, _FLOOR)).mean(axis=1)
    return least + int(np.argmin(cost))


def _mark(missing: npt.NDArray[np.bool_], piece: Levels, arrived: Levels, at: int) -> None:
    padded = np.concatenate([np.full(_BLUR, _FLOOR), piece, np.full(_BLUR, _FLOOR)])
    sounding = sliding_window_view(padded, 2 * _BLUR + 1).min(axis=1) > SPEECH
    begin, end = max(at, 0), min(at + piece.size, arrived.size)
    if begin < end:
        part = sounding[begin - at : end - at]
        missing[begin:end] |= part & (arrived[begin:end] < _QUIET)


@dataclass(frozen=True)
class Spread:
    """Percentiles of some seconds; None when there were none."""

    p50: float | None
    p95: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        if not values:
            return cls(None, None)
        p50, p95 = np.percentile(values, [50, 95])
        return cls(float(p50), float(p95))
