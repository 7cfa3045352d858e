"""Calls as files that others read: JSON lines whole, CSV a line a call, text for a person."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TextIO

COLUMNS = (
    "id", "direction", "persona", "from_number", "to_number", "test", "started_at", "answered_at",
    "ended_at", "outcome", "end_reason", "heard_seconds", "spoken_seconds", "recording", "summary",
)  # fmt: skip
COUNTED = ("turns", "interruptions", "tool_calls")


Call = Mapping[str, Any]
"""As `ledger.calls.read_calls` gives them."""


def write_json_lines(calls: Iterable[Call], out: TextIO) -> None:
    out.writelines(json_lines(calls))


def write_csv(calls: Iterable[Call], out: TextIO) -> None:
    out.writelines(csv_lines(calls))


def json_lines(calls: Iterable[Call]) -> Iterator[str]:
    """An object a call."""
    for call in calls:
        yield f"{json.dumps(call, ensure_ascii=False)}\n"


def csv_lines(calls: Iterable[Call]) -> Iterator[str]:
    """The transcript is one cell, a line a turn."""
    yield _csv((*COLUMNS, *COUNTED, "transcript"))
    for call in calls:
        counted = len(call["turns"]), _interruptions(call["turns"]), len(call["tool_calls"])
        cells = (*(call.get(name) for name in COLUMNS), *counted, _transcript(call["turns"]))
        yield _csv([_harmless(cell) for cell in cells])


def text_lines(calls: Iterable[Call]) -> Iterator[str]:
    """For a person: who and when, then what was said, with the seconds since the call began."""
    for call in calls:
        yield f"{call['id']}: {call['direction']}, {call['persona']}, "
        yield f"{call['outcome'] or call['state']}\n{call['started_at']}, "
        yield f"from {call['from_number'] or '-'} to {call['to_number'] or '-'}\n"
        began = datetime.fromisoformat(call["started_at"])
        for turn in call["turns"]:
            after = (datetime.fromisoformat(turn["at"]) - began).total_seconds()
            cut = " [cut off]" if turn["interrupted"] else ""
            yield f"{after:8.1f}  {turn['role']}: {turn['text']}{cut}\n"
        yield "\n"


def _csv(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _interruptions(turns: Iterable[Mapping[str, Any]]) -> int:
    return sum(turn["interrupted"] for turn in turns)


def _transcript(turns: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(f"{turn['role']}: {turn['text']}" for turn in turns)


def _harmless(cell: Any) -> Any:
    """A spreadsheet takes such text for a formula, and it may be a caller's."""
    if isinstance(cell, str) and cell.startswith(("=", "@", "+", "-", "\t", "\r")):
        return cell if cell[1:].isdecimal() else f"'{cell}"
    return cell
