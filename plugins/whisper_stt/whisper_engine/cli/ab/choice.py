"""How long the encoder's input must be, as the figures have it."""

from collections.abc import Mapping
from dataclasses import dataclass

from whisper_engine.cli.ab.grid import LOSSES, MARGINS, PADDINGS, Condition, Margin
from whisper_engine.cli.ab.scoring import Rates
from whisper_engine.whisper.features import Padding

MOST_RISE = 0.001
"""By how much the word error rate may rise against 30 s: a tenth of a percentage point."""

LEAST_WORDS = round(1 / MOST_RISE)
"""Fewer words cannot show such a rise."""


@dataclass(frozen=True)
class Slices:
    """Every turn, and those of one word, on which a short input is hardest."""

    turns: Rates
    one_word: Rates


Table = Mapping[Condition, Slices]


@dataclass(frozen=True)
class Policy:
    """`margin` seconds of zeros behind the sound; None: always 30 s, and `why`."""

    beam: int
    padding: Padding
    margin: Margin
    why: str


def choose(table: Table, beam: int) -> Policy:
    """The least margin that, as every greater one, is as good as 30 s on every line and slice.

    Both paddings are held against the better of them at 30 s.
    """
    full = min(PADDINGS, key=lambda padding: _errors_at_full(table, padding, beam))
    words = min(_at(table, loss, full, None, beam).turns.words for loss in LOSSES)
    if words < LEAST_WORDS:
        why = f"{words} words are too few to tell: give at least {LEAST_WORDS}"
        return Policy(beam, full, None, why)
    passing = {padding: _least_margin(table, padding, beam, full) for padding in PADDINGS}
    cut = {padding: margin for padding, margin in passing.items() if margin is not None}
    if not cut:
        why = f"every margin costs more than {100 * MOST_RISE:g} points"
        return Policy(beam, full, None, why)
    padding = min(cut, key=lambda each: (cut[each], each != full))
    return Policy(beam, padding, cut[padding], f"within {100 * MOST_RISE:g} points of 30 s")


def _least_margin(table: Table, padding: Padding, beam: int, full: Padding) -> Margin:
    least: Margin = None
    for margin in sorted((m for m in MARGINS if m is not None), reverse=True):
        if not all(
            _is_as_good(_at(table, loss, padding, margin, beam), _at(table, loss, full, None, beam))
            for loss in LOSSES
        ):
            break
        least = margin
    return least


def _is_as_good(cut: Slices, full: Slices) -> bool:
    return (
        cut.turns.wer <= full.turns.wer + MOST_RISE
        and cut.one_word.wer <= full.one_word.wer + MOST_RISE
    )


def _errors_at_full(table: Table, padding: Padding, beam: int) -> int:
    return sum(_at(table, loss, padding, None, beam).turns.errors for loss in LOSSES)


def _at(table: Table, loss: float, padding: Padding, margin: Margin, beam: int) -> Slices:
    return table[Condition(loss, padding, margin, beam)]
