"""What a simulated call was like, for people (a table and a verdict) and for programs (one JSON object)."""

import re
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from sip.simulate.measure import Spread


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TurnReport(_Figures):
    """A turn: what was said, what the agent made of it, what it answered and when."""

    said: str
    heard: str | None  # None where the agent's room could not be overheard
    reply: str | None
    reply_s: float | None
    stopped_s: float | None = None  # dialling to the end of what was said
    barge_in_silence_s: float | None = None
    problems: tuple[str, ...] = ()


class Percentiles(_Figures):
    p50: float | None
    p95: float | None

    @classmethod
    def of(cls, values: Sequence[float | None]) -> "Percentiles":
        spread = Spread.of([value for value in values if value is not None])
        return cls(p50=_rounded(spread.p50), p95=_rounded(spread.p95))


class CallReport(_Figures):
    """One call."""

    answered: bool
    failure: str | None = None
    room: str | None = None
    ring_to_answer_s: float | None = None
    greeting: str | None = None
    greeting_s: float | None = None  # answer to the greeting's first sound
    turns: tuple[TurnReport, ...] = ()
    gaps_over_60ms: int | None = None  # None where the agent's room could not be overheard

    @property
    def problems(self) -> list[str]:
        """Why the call is not as it should be, in sentences; empty when it is."""
        if not self.answered:
            return [f"the call was not answered: {self.failure}"]
        return [
            f"turn {number} ({turn.said!r}): {problem}"
            for number, turn in enumerate(self.turns, 1)
            for problem in turn.problems
        ]


class Report(_Figures):
    """All calls of a run: what `parley simulate --json` prints."""

    answered: bool
    ring_to_answer_s: float | None  # the slowest call's
    turns: tuple[TurnReport, ...]
    reply_s: Percentiles
    barge_in_silence_s: Percentiles
    gaps_over_60ms: int | None
    path_s: Percentiles | None = None  # the way to an echo and back, where it was measured
    calls: tuple[CallReport, ...]
    problems: tuple[str, ...]

    @classmethod
    def of(cls, calls: Sequence[CallReport], path: Sequence[float] = ()) -> "Report":
        turns = tuple(turn for call in calls for turn in call.turns)
        rings = [call.ring_to_answer_s for call in calls if call.ring_to_answer_s is not None]
        gaps = [call.gaps_over_60ms for call in calls if call.gaps_over_60ms is not None]
        return cls(
            answered=all(call.answered for call in calls),
            ring_to_answer_s=max(rings, default=None),
            turns=turns,
            reply_s=Percentiles.of([turn.reply_s for turn in turns]),
            barge_in_silence_s=Percentiles.of([turn.barge_in_silence_s for turn in turns]),
            gaps_over_60ms=sum(gaps) if gaps else None,
            path_s=Percentiles.of(path) if path else None,
            calls=tuple(calls),
            problems=tuple(problem for call in calls for problem in call.problems),
        )

    def verdict(self) -> str:
        """One line: good, or what is wrong first."""
        if self.problems:
            more = len(self.problems) - 1
            return f"FAILED: {self.problems[0]}" + (f" (and {more} more)" if more else "")
        return (
            f"good: {len(self.calls)} call(s) answered within {shown(self.ring_to_answer_s)}, {len(self.turns)} turn(s) "
            f"replied to in {shown(self.reply_s.p50)} (p50) and {shown(self.reply_s.p95)} (p95)"
        )

    def table(self) -> str:
        """A line for each turn of each call, then the figures of the run."""
        lines = [f"{'call':>4} {'turn':>4} {'reply':>8} {'silent':>8}  said → heard → reply"]
        for number, call in enumerate(self.calls, 1):
            lines.append(
                f"{number:>4} {'-':>4} {shown(call.greeting_s):>8} {'':>8}  {_text(call.greeting)}"
            )
            lines += [
                f"{number:>4} {place:>4} {shown(turn.reply_s):>8} {shown(turn.barge_in_silence_s):>8}  "
                f"{turn.said} → {_text(turn.heard)} → {_text(turn.reply)}"
                for place, turn in enumerate(call.turns, 1)
            ]
        figures = [
            ("ring to answer", shown(self.ring_to_answer_s)),
            ("caller stops → agent's first sound", _spread(self.reply_s)),
            ("barge-in → agent silent", _spread(self.barge_in_silence_s)),
            (
                "gaps over 60 ms",
                "unknown" if self.gaps_over_60ms is None else str(self.gaps_over_60ms),
            ),
        ]
        if self.path_s is not None:
            figures.insert(2, ("  of which the path alone", _spread(self.path_s)))
        return "\n".join([*lines, "", *(f"{name:<36}{value}" for name, value in figures)])


def missing_words(reply: str, wanted: Sequence[str]) -> list[str]:
    """Which of `wanted` the reply lacks, whatever their case; whole words only."""
    return [
        word
        for word in wanted
        if not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", reply, re.IGNORECASE)
    ]


def shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"


def _spread(values: Percentiles) -> str:
    return "-" if values.p50 is None else f"p50 {shown(values.p50)}, p95 {shown(values.p95)}"


def _text(text: str | None) -> str:
    return "(unknown)" if text is None else text or "(nothing)"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
