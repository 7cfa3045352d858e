"""Calls as half a year of them would stand in the ledger: the same at every run."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert

from ledger.tables import CallRow, EventRow, TurnRow

CHUNK = 2000
DAYS = 180

NEEDLE = "zwieback"
"""Said in the oldest call alone."""

OUTCOMES = ("answered",) * 90 + ("busy", "no_answer", "declined") * 3 + ("failed",)
DIRECTIONS = ("inbound",) * 4 + ("outbound",)
CUT = 3
"""The turn of each call in which the agent is interrupted."""

WORDS = (
    "yes", "no", "please", "thank", "you", "the", "appointment", "on", "monday", "morning",
    "afternoon", "with", "doctor", "number", "name", "spell", "again", "sorry", "could", "opening",
    "hours", "invoice", "delivery", "tomorrow", "cancel", "change", "book",
)  # fmt: skip


def fill(engine: Engine, count: int, now: datetime) -> None:
    """Calls, evenly over `DAYS`, the oldest first, as they would be written."""
    chance = random.Random(0)
    step = timedelta(days=DAYS) / count
    for first in range(0, count, CHUNK):
        numbers = range(first, min(first + CHUNK, count))
        calls = [_call(n, now - timedelta(days=DAYS) + n * step, chance) for n in numbers]
        with engine.begin() as connection:
            connection.execute(insert(CallRow), calls)
            turns = [turn for call in calls for turn in _turns(call, chance)]
            connection.execute(insert(TurnRow), turns)
            connection.execute(
                insert(EventRow), [event for call in calls for event in _events(call, chance)]
            )


def _call(n: int, began: datetime, chance: random.Random) -> dict[str, Any]:
    return {
        "id": f"c{n:08}",
        "direction": chance.choice(DIRECTIONS),
        "persona": chance.choice(("receptionist", "clerk", "nurse")),
        "from_number": f"+1555{chance.randrange(20_000) + 100_000:07}",
        "to_number": "+12025550100",
        "room": f"call-{n:08}",
        "worker": "host:1",
        "test": chance.randrange(20) == 0,
        "state": "ended",
        "started_at": began,
        "answered_at": began + timedelta(seconds=1),
        "seen_at": began + timedelta(seconds=90),
        "ended_at": began + timedelta(seconds=90),
        "outcome": chance.choice(OUTCOMES),
        "end_reason": "the caller hung up",
        "heard_seconds": 30.0,
        "spoken_seconds": 40.0,
        "usage": {"line_seconds": 90.0, "models": [{"type": "llm_usage", "input_tokens": 900}]},
    }


def _turns(call: dict[str, Any], chance: random.Random) -> Iterator[dict[str, Any]]:
    for n in range(10):
        text = " ".join(chance.choices(WORDS, k=12))
        is_first = call["id"] == "c00000000" and n == 0
        took = {"transcription_delay": 0.3, "end_of_turn_delay": 0.4}
        if n % 2:
            took = {"llm_node_ttft": 0.2, "tts_node_ttfb": 0.1, "e2e_latency": 0.5}
            took["e2e_latency"] += chance.random()
        yield {
            "call_id": call["id"],
            "at": call["started_at"] + timedelta(seconds=2 + 8 * n),
            "role": "assistant" if n % 2 else "user",
            "text": f"{NEEDLE} {text}" if is_first else text,
            "interrupted": n == CUT,
            "latencies": took,
        }


def _events(call: dict[str, Any], chance: random.Random) -> Iterator[dict[str, Any]]:
    kinds = ("state", "state", "state", "interruption", "failure")
    for n, kind in enumerate(kinds if chance.randrange(50) == 0 else kinds[:-1]):
        at = call["started_at"] + timedelta(seconds=10 * n)
        yield {"call_id": call["id"], "at": at, "kind": kind, "details": {}}
