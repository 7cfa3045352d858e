"""Calls as files that others read: JSON lines whole, CSV a line a call."""

import csv
import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

COLUMNS = (
    "id", "direction", "persona", "from_number", "to_number", "test", "started_at", "answered_at",
    "ended_at", "outcome", "end_reason", "heard_seconds", "spoken_seconds", "recording", "summary",
)  # fmt: skip
COUNTED = ("turns", "interruptions", "tool_calls")


def write_json_lines(calls: Iterable[Mapping[str, Any]], out: TextIO) -> None:
    """`calls` as `ledger.calls.read_calls` gives them."""
    out.writelines(f"{json.dumps(call, ensure_ascii=False)}\n" for call in calls)


def write_csv(calls: Iterable[Mapping[str, Any]], out: TextIO) -> None:
    """The transcript is one cell, a line a turn."""
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow((*COLUMNS, *COUNTED, "transcript"))
    for call in calls:
        counted = len(call["turns"]), _interruptions(call["turns"]), len(call["tool_calls"])
        cells = (*(call[name] for name in COLUMNS), *counted, _transcript(call["turns"]))
        lines.writerow([_harmless(cell) for cell in cells])


def _interruptions(turns: Iterable[Mapping[str, Any]]) -> int:
    return sum(turn["interrupted"] for turn in turns)


def _transcript(turns: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(f"{turn['role']}: {turn['text']}" for turn in turns)


def _harmless(cell: Any) -> Any:
    """A spreadsheet takes such text for a formula, and it may be a caller's."""
    if isinstance(cell, str) and cell.startswith(("=", "@", "+", "-", "\t", "\r")):
        return cell if cell[1:].isdecimal() else f"'{cell}"
    return cell
