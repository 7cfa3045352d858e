"""Where the milliseconds of a reply go: the caller's times beside what the worker logs of each turn.

Steps are named as in docs/architecture.md. The worker's times are wall clock, the caller's are brought to it.
"""

import itertools
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_APART = 1.5
"""Seconds by which the end of a turn may differ between caller and worker: the way, and the VAD's judgement."""


@dataclass(frozen=True)
class Heard:
    """A turn at the caller: when it stopped (wall clock) and how long the reply took."""

    room: str
    stopped: float
    reply: float


@dataclass(frozen=True)
class Steps:
    """A turn's reply, in seconds. The first four follow each other and make up `reply`."""

    reply: float
    hear: float  # caller stops → the worker's VAD puts the end of speech there
    turn: float  # → the turn is committed (detect, transcribe, turn)
    answer: float  # → the worker sends the first sound (what of think, phrase, speak was not done before)
    play: float  # → the caller hears it
    transcribe: float | None  # end of speech → final text; within `turn`
    think: float | None  # model asked → first token; begins before the turn is committed
    phrase: float | None  # model asked → first sentence
    speak: float | None  # sentence → first sound


def log_lines(path: Path) -> list[dict[str, Any]]:
    """The worker's `turn` lines."""
    written = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [json.loads(line) for line in written if '"message": "turn"' in line]


def steps_of(heard: Iterable[Heard], lines: Sequence[dict[str, Any]]) -> list[Steps]:
    """Those turns that are found in the worker's log, with the reply that followed them there."""
    found = []
    for turn in heard:
        mine = [line for line in lines if line["room"] == turn.room]
        for user, agent in itertools.pairwise(mine):
            if user["role"] == "user" and agent["role"] == "assistant" and _is(user, turn):
                found.append(_steps(turn, user["metrics"], agent["metrics"]))
                break
    return [steps for steps in found if steps is not None]


def _is(line: dict[str, Any], turn: Heard) -> bool:
    stopped = line["metrics"].get("stopped_speaking_at")
    return stopped is not None and abs(stopped - turn.stopped) < _APART


def _steps(turn: Heard, user: dict[str, Any], agent: dict[str, Any]) -> Steps | None:
    stopped, began = user.get("stopped_speaking_at"), agent.get("started_speaking_at")
    wait = user.get("end_of_turn_delay")
    if stopped is None or began is None or wait is None:
        return None
    return Steps(
        reply=turn.reply,
        hear=stopped - turn.stopped,
        turn=wait,
        answer=began - stopped - wait,
        play=turn.stopped + turn.reply - began,
        transcribe=user.get("transcription_delay"),
        think=agent.get("llm_node_ttft"),
        phrase=agent.get("llm_node_ttfs"),
        speak=agent.get("tts_node_ttfb"),
    )


def median_turn(steps: Sequence[Steps]) -> Steps:
    """The turn whose reply took the (lower) median: a real one, so that its steps add up."""
    middle = statistics.median_low(each.reply for each in steps)
    return next(each for each in steps if each.reply == middle)
