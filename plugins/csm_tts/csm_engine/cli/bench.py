"""`bench`: how soon the settings' model speaks, and how much, for some conversations at once."""

import argparse
import asyncio
import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from csm_engine.cli import machine
from csm_engine.cli.errors import CommandError
from csm_engine.cli.figures import milliseconds, table
from csm_engine.cli.loaded import loaded
from csm_engine.cli.rounds import Round, hold
from csm_engine.config import Settings
from parley_serving import load_settings

HEAD = (
    "conversations at once",
    "sentences",
    "failed",
    "first frame, p50 / p95 ms",
    "real-time factor in all",
    "frames a second",
)


def run(options: argparse.Namespace) -> int:
    """Raises CommandError, StartError."""
    settings = load_settings(Settings)
    name, rounds = asyncio.run(
        measure(settings, options.at_once, sentences=options.sentences, voice=options.voice)
    )
    if not any(each.frames for each in rounds):
        raise CommandError(f"no sentence was spoken: {rounds[0].why or 'no sound came'}")
    page = _as_json(name, rounds) if options.json else "\n".join(_as_page(name, rounds))
    sys.stdout.write(page + "\n")
    return 0


async def measure(
    settings: Settings, at_once: Sequence[int], *, sentences: int, voice: str
) -> tuple[str, list[Round]]:
    """The model's name, and a round for each number. Raises CommandError, StartError."""
    async with loaded(settings) as speaker:
        await speaker.warm()
        return speaker.model.name, [
            await hold(speaker, number, sentences=sentences, voice=voice) for number in at_once
        ]


def _as_json(name: str, rounds: Sequence[Round]) -> str:
    body: dict[str, Any] = {
        "model": name,
        "machine": machine.facts(),
        "rounds": [
            {
                **dataclasses.asdict(each),
                "real_time_factor": each.real_time_factor,
                "frames_a_second": each.frames_a_second,
            }
            for each in rounds
        ],
    }
    return json.dumps(body, indent=2)


def _as_page(name: str, rounds: Sequence[Round]) -> Iterator[str]:
    yield f"# {name}"
    yield machine.in_words()
    yield ""
    yield from table(HEAD, map(_row, rounds))
    for each in rounds:
        if each.why is not None:
            yield f"\nOf {each.conversations} at once: {each.why}"


def _row(each: Round) -> tuple[str, ...]:
    factor = each.real_time_factor
    return (
        str(each.conversations),
        str(each.sentences),
        str(each.failed),
        f"{milliseconds(each.first.p50)} / {milliseconds(each.first.p95)}",
        "-" if factor is None else f"{factor:.3f}",
        f"{each.frames_a_second:.1f}",
    )
