"""How well the end of a turn is told over a telephone: `python -m bench.turns [--clips FOLDER]`.

What v1-mini says of recorded and of scripted silences over G.711, and what each point of
`unlikely_threshold`, `wait_seconds` and `max_wait_seconds` would have made of them, on paper.
"""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from agent.barge_in.turns import is_short_answer
from agent.lexicon import Lexicon
from bench import record
from bench.turns_clips import MU_LAW, RECORDINGS, UNFINISHED, VOICES, Line, recorded, scripted
from bench.turns_page import curve, page
from bench.turns_replay import Pauses, Silence, sweep
from bench.turns_score import Score, score

THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.36, 0.45)
NONE = 1.0
"""A threshold that no turn reaches: each waits for the longest."""
LEAST = (0.3, 0.4, 0.5)
MOST = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0)

PAUSES = {
    "mid-sentence": Pauses(0.4),
    "digits": Pauses(0.45),
    "address": Pauses(0.45),
    "um": Pauses(0.6),
    "trailing off": Pauses(1.0),
}
"""Assumed: nobody's callers were timed."""


def silences(scores: Sequence[Score], line: Line = MU_LAW) -> list[Silence]:
    """Those that can be replayed: it is known, or assumed, how long they last."""
    lexicon = Lexicon.of("en")
    found = []
    for each in scores:
        if each.line != line or (Path(each.name).stem in UNFINISHED and each.pause is None):
            continue
        if each.ended:
            answers = is_short_answer(each.said, each.asked, lexicon)
            found.append(Silence(each.kind, each.probability, answers=answers))
        else:
            lengths = (each.pause,) if each.pause else PAUSES[each.kind].lengths()
            found.append(Silence(each.kind, each.probability, lengths))
    return found


def _by_line_and_kind(scores: Sequence[Score]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for each in scores:
        of = "end" if each.ended else "pause"
        name = f"{each.line.law}, {each.line.level:g} dB, {of}: {each.kind}"
        found.setdefault(name, []).append(round(each.probability, 3))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, default=RECORDINGS, help="folder of recordings")
    parser.add_argument("--voices", nargs="+", default=VOICES, help="flite's")
    parser.add_argument("--out", type=Path, default=record.RESULTS)
    options = parser.parse_args(arguments)
    facts = record.started() | {"command": "python -m bench.turns --clips FOLDER"}
    clips = [*recorded(options.clips), *scripted(options.voices)]
    scores = asyncio.run(score(clips))
    costs = sweep(silences(scores), (*THRESHOLDS, NONE), LEAST, MOST)
    body = {
        "scores": _by_line_and_kind(scores),
        "sweep": [asdict(point) | asdict(cost) for point, cost in costs.items()],
    }
    text, _ = record.write("turns", facts, page(scores, costs), body, options.out)
    (options.out / "turns.svg").write_text(curve(costs, NONE), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
