"""Where the time of a reply went: its parts, one after the other. Pure; seconds."""

from collections.abc import Iterable, Mapping
from typing import Any

HUSH = 0.25
"""Seconds of silence after which the worker's detector takes speech for over (agent/session.py)."""

Parts = dict[str, float]
"""Of `detect`, `transcribe`, `turn`, `think`, `speak`, `play` those that are known, and `whole`."""


def parts(latencies: Mapping[str, Any]) -> Parts:
    """Of a reply, from the framework's durations of the caller's turn and of the agent's answer.

    With `e2e_latency` they follow each other and make up `whole`: from the caller's last sound to
    the agent's first. What was done while something else was waited for takes no time of its own:
    `think` is short where the model began before the turn had ended. Without it (a greeting, or a
    turn of the caller alone) there are the durations that are known, and no `whole`.
    """
    known = {name: max(0.0, float(value)) for name, value in latencies.items() if _is_time(value)}
    whole = known.get("e2e_latency")
    decided = known.get("end_of_turn_delay")
    if whole is not None and decided is not None:
        decided = min(decided, whole)
    found = _hearing(known, decided)
    if whole is None:
        found |= {name: known[key] for name, key in _ANSWERING if key in known}
    else:
        found |= _answering(known, whole - (decided or 0.0)) | {"whole": whole}
    return {name: round(value, 4) for name, value in found.items()}


class Waterfall:
    """Of a talk's turns in their order: an answer has its question's durations, too."""

    def __init__(self) -> None:
        self._asked: Mapping[str, Any] = {}

    def turn(self, role: str, latencies: Mapping[str, Any]) -> Parts:
        """What is known of this one: nothing of a question before its answer."""
        if role == "user":
            self._asked = dict(latencies)
            return {}
        found = parts({**self._asked, **latencies})
        if "whole" in found:  # what the agent says next answers no new question
            self._asked = {}
        return found


def parts_of_turns(turns: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Parts]:
    """Of each turn (role, latencies) of a talk in its order."""
    talk = Waterfall()
    return [talk.turn(role, latencies) for role, latencies in turns]


_ANSWERING = (("think", "llm_node_ttft"), ("speak", "tts_node_ttfb"), ("play", "playback_latency"))


def _hearing(known: Mapping[str, float], decided: float | None) -> Parts:
    """Until the turn was decided to have ended: detector, final text, and the wait for more."""
    if decided is None:
        return {}
    detect = min(HUSH, decided)
    text = min(known.get("transcription_delay", detect), decided)
    transcribe = max(0.0, text - detect)
    return {"detect": detect, "transcribe": transcribe, "turn": decided - detect - transcribe}


def _answering(known: Mapping[str, float], left: float) -> Parts:
    """From the decision to the first sound, backwards: what came last was waited for whole."""
    play = min(left, known.get("playback_latency", 0.0))
    speak = min(left - play, known.get("tts_node_ttfb", 0.0))
    return {"think": left - play - speak, "speak": speak, "play": play}


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
