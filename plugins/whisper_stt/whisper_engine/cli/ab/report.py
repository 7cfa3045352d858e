"""The table of an A/B run, for people and for machines."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from whisper_engine.cli.ab.choice import Policy, Slices, Table
from whisper_engine.cli.ab.grid import Condition, Margin
from whisper_engine.cli.ab.scoring import Rates

_HEAD = (
    "| packets lost | padding | margin | beam | WER % | loops % | empty % | WER % of one word | loops % | empty % |",
    "|---" * 10 + "|",
)


def markdown(model: str, language: str, table: Table, policies: Iterable[Policy]) -> str:
    """One row a condition, then the policy of each beam."""
    turns, one_word = _sizes(table)
    return "\n".join(
        [
            f"# {model}, language {language}",
            "",
            f"{turns.turns} turns ({turns.words} words) of 0.3 to 12 s over G.711 mu-law, "
            f"{one_word.turns} of them of one word. Decoded once each, nothing judged or tried again.",
            "",
            *_HEAD,
            *(_row(condition, slices) for condition, slices in table.items()),
            "",
            *(_sentence(policy) for policy in policies),
            "",
        ]
    )


def as_json(
    model: str, language: str, table: Table, policies: Iterable[Policy]
) -> Mapping[str, Any]:
    return {
        "model": model,
        "language": language,
        "rows": [
            dataclasses.asdict(condition)
            | {"turns": _rates(slices.turns), "one_word": _rates(slices.one_word)}
            for condition, slices in table.items()
        ],
        "policies": [dataclasses.asdict(policy) for policy in policies],
    }


def _sizes(table: Table) -> tuple[Rates, Rates]:
    slices = next(iter(table.values()))
    return slices.turns, slices.one_word


def _row(condition: Condition, slices: Slices) -> str:
    cells = [
        f"{100 * condition.loss:g} %",
        f"{condition.padding} zeros",
        _margin(condition.margin),
        str(condition.beam),
        *_cells(slices.turns),
        *_cells(slices.one_word),
    ]
    return f"| {' | '.join(cells)} |"


def _cells(rates: Rates) -> tuple[str, ...]:
    if not rates.turns:
        return ("-",) * 3
    return (
        f"{100 * rates.wer:.2f}",
        f"{100 * rates.loop_rate:.1f}",
        f"{100 * rates.empty_rate:.1f}",
    )


def _margin(margin: Margin) -> str:
    return "to 30 s" if margin is None else f"{margin:g} s"


def _sentence(policy: Policy) -> str:
    cut = "always 30 s" if policy.margin is None else f"the sound and {policy.margin:g} s"
    return f"Beam {policy.beam}: encode {cut}, padded with {policy.padding} zeros ({policy.why})."


def _rates(rates: Rates) -> dict[str, float]:
    return dataclasses.asdict(rates) | {
        "wer": rates.wer,
        "loop_rate": rates.loop_rate,
        "empty_rate": rates.empty_rate,
    }
