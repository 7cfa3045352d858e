"""From what was recorded and overheard to what is reported. Pure."""

from collections.abc import Sequence

from sip.simulate.conversation import Taken, Turn
from sip.simulate.hearing import levels, spells
from sip.simulate.measure import Timing, Window, gaps, timings
from sip.simulate.observer import Overheard
from sip.simulate.report import CallReport, TurnReport, missing_words, shown
from sip.simulate.speech import RATE
from sip.simulate.timeline import Recording


def assess(
    recording: Recording,
    turns: Sequence[Turn],
    taken: Sequence[Taken],
    overheard: Overheard,
    answered_at: float,
) -> CallReport:
    """The report of an answered call, of which `taken` of its `turns` were spoken.

    `recording` starts with the dialling; all times are on the loop's clock.
    """
    start = recording.start
    measured = timings(
        recording.caller,
        recording.agent,
        [Window(turn.start - start, turn.end - start, turn.over_agent) for turn in taken],
    )
    begins = [turn.start for turn in taken] + [float("inf")]
    spoken = [
        _turn(turn, timing, overheard, begin, until)
        for turn, timing, begin, until in zip(taken, measured, begins, begins[1:], strict=False)
    ]
    unspoken = [
        TurnReport(
            said=turn.said, heard="", reply="", reply_s=None, problems=("the agent hung up first",)
        )
        for turn in turns[len(taken) :]
    ]
    return CallReport(
        answered=True,
        room=overheard.room,
        ring_to_answer_s=round(answered_at - start, 3),
        greeting=overheard.said_between(0.0, begins[0]) if overheard.room else None,
        greeting_s=_greeting(recording, answered_at, begins[0]),
        turns=(*spoken, *unspoken),
        gaps_over_60ms=_gaps(recording, overheard),
    )


def _turn(
    taken: Taken, timing: Timing, overheard: Overheard, begin: float, until: float
) -> TurnReport:
    known = overheard.room is not None
    reply = overheard.said_between(begin, until) if known else None
    return TurnReport(
        said=taken.turn.said,
        heard=overheard.heard_between(begin, until) if known else None,
        reply=reply,
        reply_s=_rounded(timing.reply),
        stopped_s=_rounded(timing.stopped),
        barge_in_silence_s=_rounded(timing.silence),
        problems=tuple(_problems(taken.turn, timing, reply)),
    )


def _problems(turn: Turn, timing: Timing, reply: str | None) -> list[str]:
    if timing.reply is None:
        return ["no reply"]
    problems = []
    if turn.script.within is not None and timing.reply > turn.script.within:
        problems.append(
            f"the reply came after {shown(timing.reply)}, {shown(turn.script.within)} is allowed"
        )
    if turn.script.contains:
        missing = missing_words(reply or "", turn.script.contains)
        if missing:
            problems.append(f"the reply lacks {', '.join(map(repr, missing))}: {reply!r}")
    return problems


def _greeting(recording: Recording, answered_at: float, until: float) -> float | None:
    """Seconds from the answer to the agent's first sound, if that came before the caller spoke."""
    for spell in spells(levels(recording.agent))[:1]:
        if recording.start + spell.start < until:
            return round(recording.start + spell.start - answered_at, 3)
    return None


def _gaps(recording: Recording, overheard: Overheard) -> int | None:
    if not overheard.sent.frames:
        return None
    seconds = len(recording.agent) / RATE
    sent = overheard.sent.steadied().laid_out(recording.start, seconds)
    return len(gaps(sent, recording.agent))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
