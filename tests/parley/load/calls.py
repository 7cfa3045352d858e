"""Calls under load, made up."""

from typing import Any

from parley.load.figures import Figures, LoadCall
from sip.simulate.report import CallReport, TurnReport


def turn(reply: float | None = 0.8, silence: float | None = None) -> TurnReport:
    return TurnReport(
        said="what is your address",
        heard=None,
        reply=None,
        reply_s=reply,
        barge_in_silence_s=silence,
        problems=() if reply is not None else ("no reply",),
    )


def call(*turns: TurnReport, answer: float = 0.4, gaps: int | None = None) -> LoadCall:
    """Of half a minute, in which the caller talked for ten seconds."""
    report = CallReport(answered=True, ring_to_answer_s=answer, turns=turns, gaps_over_60ms=gaps)
    return LoadCall(report=report, talked=10.0, connected=30.0)


def unanswered(why: str = "SIP/2.0 486 Busy Here") -> LoadCall:
    return LoadCall(report=CallReport(answered=False, failure=why))


def figures(calls: int = 1, **known: Any) -> Figures:
    """Of a step in which all went well, but for what is given."""
    return Figures.of(
        calls, [call(turn(silence=0.5), turn())] * calls, {"worker": 0.3}, barges_in=True
    ).model_copy(update=known)
