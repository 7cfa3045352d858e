"""What the levels of both voices, as a page saw them, say about a call. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sip.simulate.hearing import HOP_SECONDS, Spell, spells

PAUSE = 1.0
"""Seconds. Shorter pauses belong to what the caller says."""

DRAWS = 2000


@dataclass(frozen=True)
class Heard:
    """`mine` and `theirs` are mean powers, one every 5 ms, `at` the browser's wall clock in
    milliseconds when each was there; `clicked` is on that clock, too."""

    clicked: float
    at: Sequence[float]
    mine: Sequence[float]
    theirs: Sequence[float]


def greeted(heard: Heard) -> float | None:
    """Seconds from the click to the agent's first sound."""
    theirs = spells(_levels(heard.theirs))
    if not theirs:
        return None
    return (heard.at[_hop(theirs[0])] - heard.clicked) / 1000


def replies(heard: Heard) -> list[float | None]:
    """Of each thing that the caller said: seconds from its last sound to the agent's first one after it.

    None: the agent still spoke when the caller did, or said nothing before they did again.
    """
    mine, theirs = spells(_levels(heard.mine), pause=PAUSE), spells(_levels(heard.theirs))
    untils = [spell.start for spell in mine[1:]] + [float("inf")]
    return [_reply(theirs, said, until) for said, until in zip(mine, untils, strict=True)]


def _reply(theirs: Sequence[Spell], said: Spell, until: float) -> float | None:
    if any(spell.start < said.end and spell.end > said.start for spell in theirs):
        return None
    return next((each.start - said.end for each in theirs if said.end <= each.start < until), None)


def difference(
    one: Sequence[float], other: Sequence[float], seed: int = 1
) -> tuple[float, float, float]:
    """Of the medians, `other` less `one`, and its 95 % interval by the bootstrap."""
    chance = np.random.default_rng(seed)

    def medians(values: Sequence[float]) -> npt.NDArray[np.float64]:
        drawn = chance.choice(np.asarray(values), (DRAWS, len(values)))
        return np.asarray(np.median(drawn, axis=1))

    low, high = np.percentile(medians(other) - medians(one), [2.5, 97.5])
    return float(np.median(other) - np.median(one)), float(low), float(high)


def _levels(power: Sequence[float]) -> npt.NDArray[np.float64]:
    """As `sip.simulate.hearing.levels` has them: dBFS of 10 ms, every 5."""
    each = np.asarray(power, dtype=np.float64)
    mean = (each[:-1] + each[1:]) / 2
    return np.asarray(20 * np.log10(np.sqrt(mean) + 1e-5))


def _hop(spell: Spell) -> int:
    return round(spell.start / HOP_SECONDS)
