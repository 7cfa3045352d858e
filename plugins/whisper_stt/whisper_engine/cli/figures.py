"""Many times as few figures."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from whisper_engine.cli.calls import Heard

_WHOLE = 100


@dataclass(frozen=True)
class Quantiles:
    """Seconds; nearest rank. None where nothing was measured."""

    n: int
    p50: float | None
    p95: float | None
    p99: float | None

    @classmethod
    def of(cls, values: Iterable[float | None]) -> "Quantiles":
        known = sorted(value for value in values if value is not None)
        return cls(len(known), *(_rank(known, share) for share in (0.50, 0.95, 0.99)))


@dataclass(frozen=True)
class CallFigures:
    """Of all turns of some calls at once. Times are those of `calls.Heard`.

    `told` is of turns with a preflight before the flush, `hits` of those whose final said the same,
    and `held` their `flush_to_final`. `first_interim` is from the onset of the speech. `empty` is of turns whose final had no words.
    """

    calls: int
    refused: int
    turns: int
    empty: int
    told: int
    hits: int
    ready: Quantiles
    final: Quantiles
    flush_to_final: Quantiles
    held: Quantiles
    first_interim: Quantiles


def call_figures(heard: Sequence[Sequence[Heard] | None]) -> CallFigures:
    """Args:
    heard: what each call was told, turn by turn; None: it was refused.
    """
    turns = [turn for call in heard for turn in call or ()]
    return CallFigures(
        calls=len(heard),
        refused=sum(call is None for call in heard),
        turns=len(turns),
        empty=sum(not turn.text for turn in turns),
        told=sum(turn.hit is not None for turn in turns),
        hits=sum(turn.hit is True for turn in turns),
        ready=Quantiles.of(turn.ready for turn in turns),
        final=Quantiles.of(turn.final for turn in turns),
        flush_to_final=Quantiles.of(turn.flush_to_final for turn in turns),
        held=Quantiles.of(turn.flush_to_final for turn in turns if turn.hit),
        first_interim=Quantiles.of(turn.interims[0][0] for turn in turns if turn.interims),
    )


def _rank(known: Sequence[float], share: float) -> float | None:
    return known[math.ceil(share * len(known)) - 1] if known else None


def milliseconds(seconds: float | None) -> str:
    """Three digits at least."""
    if seconds is None:
        return "-"
    value = 1000 * seconds
    return f"{value:.0f}" if value >= _WHOLE else f"{value:.3g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of Markdown."""
    return [f"| {' | '.join(head)} |", "|---" * len(head) + "|"] + [
        f"| {' | '.join(row)} |" for row in rows
    ]


CALL_HEAD = (
    "calls",
    "turns",
    "end of speech → whole text, p50 / p95 / p99 ms",
    "→ FINAL",
    "flush → FINAL",
    "where a preflight held",
    "onset → first interim",
    "preflights kept",
    "empty",
    "refused calls",
)


def call_row(figures: CallFigures) -> tuple[str, ...]:
    """For a `table` under CALL_HEAD."""
    return (
        str(figures.calls),
        str(figures.turns),
        *(
            " / ".join(milliseconds(value) for value in (each.p50, each.p95, each.p99))
            for each in (
                figures.ready,
                figures.final,
                figures.flush_to_final,
                figures.held,
                figures.first_interim,
            )
        ),
        f"{figures.hits} of {figures.told}",
        str(figures.empty),
        str(figures.refused),
    )
