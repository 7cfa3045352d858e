"""The voice-to-voice results as a page that people read."""

from collections.abc import Mapping
from typing import Any

_TARGETS = {
    "reply_s": "p50 ≤ 0.80, p95 ≤ 1.2",
    "ring_to_answer_s": "p95 ≤ 1.5",
    "barge_in_silence_s": "p95 ≤ 1.1",
    "gaps_over_60ms": "0",
}
_NAMES = {
    "reply_s": "caller stops → agent's first sound",
    "path_s": "of which the path alone (echo)",
    "ring_to_answer_s": "ring to answer",
    "barge_in_silence_s": "barge-in → agent silent",
    "gaps_over_60ms": "gaps over 60 ms",
}
_STEPS = {
    "hear": "**hear**: caller stops → end of speech at the worker",
    "turn": "**detect, transcribe, turn**: → turn committed",
    "answer": "**think, phrase, speak**: → first sound leaves the worker",
    "play": "**play**: → heard by the caller",
    "reply": "sum",
    "transcribe": "within: end of speech → final text",
    "think": "begun before the commit: model asked → first token",
    "phrase": "begun before the commit: model asked → first sentence",
    "speak": "begun before the commit: sentence → first sound",
}


def markdown(results: Mapping[str, Any]) -> str:
    facts, rows = results["machine"], results["rows"]
    return "\n".join(
        [
            "# Voice to voice",
            "",
            f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, {facts['system']}, "
            f"Python {facts['python']}; {facts['date']}; commit {facts['commit']}; load before {facts['load_before']}.",
            f"Made by `{facts['command']}` with rehearsal models{_slowed(results)}, all parts and callers on this machine.",
            "",
            *_figures(rows),
            "",
            "Seconds at the caller. *bridge*: the bridge dials itself, so the sound crosses it twice each way; *phone*: baresip,",
            "one bridge away, with a jitter buffer of two packets. The path was measured in the same run. Three at once have",
            "talks of their own; three in chorus say the same at the same moment.",
            "",
            *_waterfall(rows),
            *_memory(results),
            *_problems(rows),
            "",
        ]
    )


def _slowed(results: Mapping[str, Any]) -> str:
    return " that take what the costs below say" if results.get("costs") else ""


def _figures(rows: Mapping[str, Any]) -> list[str]:
    lines = [f"| | target | {' | '.join(rows)} |", "|---" * (len(rows) + 2) + "|"]
    sizes = [f"{row['calls']} / {row['turns']}" for row in rows.values()]
    lines.append(f"| calls / turns | | {' | '.join(sizes)} |")
    for key, name in _NAMES.items():
        values = [_value(row[key]) for row in rows.values()]
        lines.append(f"| {name} | {_TARGETS.get(key, '')} | {' | '.join(values)} |")
    return lines


def _value(figure: Any) -> str:
    if isinstance(figure, Mapping):
        if figure["p50"] is None:
            return "-"
        return f"{figure['p50']:.2f} / {figure['p95']:.2f} ({figure['n']})"
    return "unknown" if figure is None else str(figure)


def _waterfall(rows: Mapping[str, Any]) -> list[str]:
    lines = ["## Where each millisecond of the median turn goes", ""]
    lines += ["| step | " + " | ".join(rows) + " |", "|---" * (len(rows) + 1) + "|"]
    for key, name in _STEPS.items():
        values = [
            _milliseconds(row["waterfall"].get("median_turn", {}).get(key)) for row in rows.values()
        ]
        lines.append(f"| {name} | {' | '.join(values)} |")
    matched = [f"{row['waterfall']['turns']} of {row['turns']}" for row in rows.values()]
    return [*lines, f"| turns found in the worker's log | {' | '.join(matched)} |", ""]


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:.0f} ms"


def _memory(results: Mapping[str, Any]) -> list[str]:
    held = results["memory_mib"]
    lines = ["## Memory (PSS, MiB, with children)", ""]
    lines += ["| part | " + " | ".join(held) + " | a call |", "|---" * (len(held) + 2) + "|"]
    for part in held["idle"]:
        sizes = [held[when].get(part, 0.0) for when in held]
        each = (held["3 calls"].get(part, 0.0) - held["idle"][part]) / 3
        lines.append(f"| {part} | {' | '.join(f'{size:.0f}' for size in sizes)} | {each:.0f} |")
    busy = ", ".join(
        f"{name}: {figure['p50']} % of all cores" for name, figure in results["cpu_percent"].items()
    )
    return [*lines, "", f"Busy (median, callers included): {busy}."]


def _problems(rows: Mapping[str, Any]) -> list[str]:
    problems = [f"- {name}: {each}" for name, row in rows.items() for each in row["problems"]]
    return ["", "## Problems", "", *problems] if problems else []
