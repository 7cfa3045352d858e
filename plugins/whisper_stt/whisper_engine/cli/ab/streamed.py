"""What hearing speech as it comes costs: an engine at the pace of speech beside the whole turn at once."""

import argparse
import asyncio
import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whisper_engine.cli.ab.clips import LEAD, TAIL, Clip, on_line
from whisper_engine.cli.ab.grid import LOSSES, Condition, Trial
from whisper_engine.cli.ab.scoring import Normalise, Rates, normaliser, pool, score
from whisper_engine.cli.calls import CallError, Heard, Turn, call
from whisper_engine.cli.figures import table
from whisper_engine.cli.process import engine
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.whisper.files import find_model
from whisper_engine.whisper.weights import Weights

OFFLINE_BEAM = 5
"""And 30 s of input: as Whisper is used on files."""

_HEAD = (
    "packets lost",
    "WER % at once",
    "WER % streamed",
    "points more",
    "empty %",
    "stable words that changed %",
)


class LanguageError(Exception):
    """The model does not hear the language that is spoken."""


@dataclass(frozen=True)
class Kept:
    """Words that interims called stable, and those of them that the final did not keep."""

    words: int
    changed: int

    @property
    def rate(self) -> float:
        return self.changed / self.words if self.words else 0.0


@dataclass(frozen=True)
class Streamed:
    """On one line, which loses this share of its packets."""

    loss: float
    offline: Rates
    streamed: Rates
    stable: Kept


def load_weights(name: str, options: argparse.Namespace) -> Weights:
    """Raises LanguageError, ModelError."""
    weights = Weights.load(name, device=options.device, compute_type=options.compute_type)
    if options.language not in weights.languages:
        known = " ".join(weights.languages)
        raise LanguageError(f"{name} does not hear {options.language!r}; it hears {known}")
    return weights


def compare_streamed(
    name: str, clips: Sequence[Clip], options: argparse.Namespace
) -> Mapping[str, Any]:
    """It takes as long as the turns last, with their rests, by the number of calls.

    Raises LanguageError, ModelError, EngineError, CallError.
    """
    normalise = normaliser(options.language)
    heard = {loss: [on_line(clip, loss) for clip in clips] for loss in LOSSES}
    offline = _offline(load_weights(name, options), heard, options.language, normalise)
    streamed = asyncio.run(_stream(name, heard, options))
    rows = [
        Streamed(
            loss,
            offline[loss],
            pool(
                score(clip.text, told.text, loop=False, normalise=normalise)
                for clip, told in zip(clips, streamed[loss], strict=True)
            ),
            kept(told.promised for told in streamed[loss]),
        )
        for loss in LOSSES
    ]
    title = Path(name).name
    sys.stdout.write(_page(title, options, rows))
    return {"model": title, "language": options.language, "rows": [_json(row) for row in rows]}


def kept(promised: Iterable[Sequence[tuple[str, str]]]) -> Kept:
    """Of the promises of many turns."""
    pairs = [(stable.split(), final.split()) for turn in promised for stable, final in turn]
    return Kept(
        words=sum(len(stable) for stable, _ in pairs),
        changed=sum(len(stable) - _common(stable, final) for stable, final in pairs),
    )


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Words that both begin with."""
    pairs = zip(one, other, strict=False)
    return next(
        (n for n, (mine, theirs) in enumerate(pairs) if mine != theirs), min(len(one), len(other))
    )


def _offline(
    weights: Weights, heard: Mapping[float, Sequence[Clip]], language: str, normalise: Normalise
) -> Mapping[float, Rates]:
    trial = Trial({"audio": weights.padded("audio")}, language, normalise)
    return {
        loss: pool(trial.run(clips, Condition(loss, "audio", None, OFFLINE_BEAM)))
        for loss, clips in heard.items()
    }


async def _stream(
    name: str, heard: Mapping[float, Sequence[Clip]], options: argparse.Namespace
) -> Mapping[float, list[Heard]]:
    settings = {"MODEL": str(find_model(name)), "DEVICE": options.device}
    if options.compute_type:
        settings["COMPUTE_TYPE"] = options.compute_type
    async with engine(settings) as there:
        return {
            loss: await _say(there.url, [_turn(clip) for clip in clips], options)
            for loss, clips in heard.items()
        }


async def _say(url: str, turns: Sequence[Turn], options: argparse.Namespace) -> list[Heard]:
    """Each turn once, in order; every call says its share of them."""
    number = min(options.streamed, len(turns))
    try:
        async with asyncio.TaskGroup() as calls:
            shares = [
                calls.create_task(
                    call(
                        url,
                        turns[place::number],
                        delay=1 + 3 * place / number,
                        language=options.language,
                    )
                )
                for place in range(number)
            ]
    except ExceptionGroup as errors:
        expected, _ = errors.split(CallError)
        if expected is None:
            raise
        raise CallError(str(expected.exceptions[0])) from errors
    told: list[Heard | None] = [None] * len(turns)
    for place, share in enumerate(shares):
        told[place::number] = share.result()
    return [each for each in told if each is not None]


def _turn(clip: Clip) -> Turn:
    """The speech alone: the call makes the quiet around it."""
    return Turn(clip.pcm[round(LEAD * SAMPLE_RATE) : len(clip.pcm) - round(TAIL * SAMPLE_RATE)])


def _page(title: str, options: argparse.Namespace, rows: Sequence[Streamed]) -> str:
    size = rows[0].offline
    about = (
        f"{size.turns} turns ({size.words} words) of 0.3 to 12 s over G.711 mu-law, at the pace of "
        f"speech, calls at once: {options.streamed}. Beside it the same turns decoded whole, 30 s, "
        f"beam {OFFLINE_BEAM}."
    )
    return "\n".join([f"# {title}, streamed", "", about, "", *table(_HEAD, map(_row, rows)), ""])


def _row(row: Streamed) -> Sequence[str]:
    return (
        f"{100 * row.loss:g} %",
        f"{100 * row.offline.wer:.2f}",
        f"{100 * row.streamed.wer:.2f}",
        f"{100 * (row.streamed.wer - row.offline.wer):+.2f}",
        f"{100 * row.streamed.empty_rate:.1f}",
        f"{100 * row.stable.rate:.1f} of {row.stable.words}",
    )


def _json(row: Streamed) -> Mapping[str, Any]:
    return dataclasses.asdict(row) | {
        "points_more": 100 * (row.streamed.wer - row.offline.wer),
        "stable_changed": row.stable.rate,
    }
