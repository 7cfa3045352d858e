"""Calls as lines for a person. Pure; a call is what `ledger.calls.to_json` and `read_call` give."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]

HEAD = ("STARTED", "ID", "PERSONA", "WITH", "SECONDS", "OUTCOME", "WHY")
WHO = {"user": "caller", "assistant": "agent"}
ANSWERED_AFTER = "e2e_latency"
"""The framework's name for the seconds from the end of a turn to the answer's first sound."""


def list_lines(calls: Sequence[Row]) -> Iterator[str]:
    """One a call, in columns."""
    table = [HEAD, *(_cells(call) for call in calls)]
    widths = [max(len(row[n]) for row in table) for n in range(len(HEAD) - 1)]
    for row in table:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join((*padded, row[-1])).rstrip()


def call_lines(call: Row) -> Iterator[str]:
    """Its own figures, then what was said and done, with the seconds since its start."""
    yield f"{call['id']}: {call['direction']}, {call['persona']}, {_outcome(call)}"
    yield f"from {call['from_number'] or '-'} to {call['to_number'] or '-'}"
    heard, spoken = call["heard_seconds"], call["spoken_seconds"]
    yield f"{_started(call)}, {_seconds(call)} s, heard {heard:.1f} s, spoken {spoken:.1f} s"
    for name in ("recording", "summary"):
        if call[name]:
            yield f"{name}: {call[name]}"
    told = [(turn["at"], _turn(turn)) for turn in call["turns"]]
    told += [(tool["at"], _tool(tool)) for tool in call["tool_calls"]]
    for at, line in sorted(told):
        yield f"{_since(call, at):7.1f}  {line}"


def _cells(call: Row) -> tuple[str, ...]:
    end = "to_number" if call["direction"] == "outbound" else "from_number"
    return (
        _started(call),
        call["id"],
        call["persona"],
        call[end] or "-",
        _seconds(call),
        _outcome(call),
        call["end_reason"] or "",
    )


def _outcome(call: Row) -> str:
    return str(call["outcome"] or call["state"])


def _started(call: Row) -> str:
    return datetime.fromisoformat(call["started_at"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _seconds(call: Row) -> str:
    return f"{_since(call, call['ended_at'] or call['seen_at']):.0f}"


def _since(call: Row, moment: str) -> float:
    passed = datetime.fromisoformat(moment) - datetime.fromisoformat(call["started_at"])
    return passed.total_seconds()


def _turn(turn: Row) -> str:
    marks = ["cut off"] if turn["interrupted"] else []
    if ANSWERED_AFTER in turn["latencies"]:
        marks.append(f"after {turn['latencies'][ANSWERED_AFTER]:.2f} s")
    after = f"  ({', '.join(marks)})" if marks else ""
    return f"{WHO.get(turn['role'], turn['role'])}: {turn['text']}{after}"


def _tool(tool: Row) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in tool["arguments"].items())
    failed = "failed: " if tool["failed"] else ""
    return f"{tool['tool']}({given}): {failed}{tool['result'] or '-'}  ({tool['seconds']:.2f} s)"
