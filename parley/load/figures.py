"""What calls at once were like, in figures. Pure."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from sip.simulate.measure import Spread
from sip.simulate.report import CallReport


class LoadCall(BaseModel):
    """One call of a step. `talked` and `connected` in seconds; `broke`: the agent left it early."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    report: CallReport
    talked: float = 0.0
    connected: float = 0.0
    broke: bool = False

    @property
    def failed_turns(self) -> int:
        return sum(turn.reply_s is None for turn in self.report.turns)


class Figures(BaseModel):
    """Of one step. Shares of 1, seconds; None where there was nothing to measure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: int
    """At once."""
    made: int
    """Calls in all: who was hung up on calls again."""
    setup_rate: float
    answer_p50: float | None
    answer_p95: float | None
    turns: int
    first_sound_p50: float | None
    first_sound_p95: float | None
    barge_in_p95: float | None
    gaps_per_minute: float | None
    failures: float
    talk: float
    """Share of their time that callers talked."""
    expected: tuple[str, ...] = ()
    """Figures that would be there if all had gone well."""
    cores: Mapping[str, float] = {}
    """Busy, by part; `callers` are those who call."""
    why: tuple[str, ...] = ()
    """What went wrong, each once, the first of them."""

    @classmethod
    def of(
        cls, calls: int, made: Sequence[LoadCall], cores: Mapping[str, float], *, barges_in: bool
    ) -> "Figures":
        """`barges_in`: callers were to speak over the agent."""
        reports = [each.report for each in made]
        answered = [each for each in made if each.report.answered]
        turns = [turn for report in reports for turn in report.turns]
        rings = _spread([report.ring_to_answer_s for report in reports])
        sounds = _spread([turn.reply_s for turn in turns])
        silences = _spread([turn.barge_in_silence_s for turn in turns])
        broken = sum(each.broke for each in answered) + sum(each.failed_turns for each in answered)
        chances = len(answered) + len(turns)
        connected = sum(each.connected for each in answered)
        expected = {"answer_p95", "first_sound_p50", "first_sound_p95"}
        return cls(
            calls=calls,
            made=len(made),
            setup_rate=round(len(answered) / len(made), 4) if made else 0.0,
            answer_p50=rings.p50,
            answer_p95=rings.p95,
            turns=len(turns),
            first_sound_p50=sounds.p50,
            first_sound_p95=sounds.p95,
            barge_in_p95=silences.p95,
            gaps_per_minute=_gaps(answered),
            failures=round(broken / chances, 4) if chances else 0.0,
            talk=round(sum(each.talked for each in answered) / connected, 3) if connected else 0.0,
            expected=tuple(sorted(expected | ({"barge_in_p95"} if barges_in else set()))),
            cores={name: round(busy, 2) for name, busy in cores.items()},
            why=_reasons(made),
        )


def _spread(values: Sequence[float | None]) -> Spread:
    found = Spread.of([value for value in values if value is not None])
    return Spread(
        None if found.p50 is None else round(found.p50, 3),
        None if found.p95 is None else round(found.p95, 3),
    )


def _gaps(calls: Sequence[LoadCall]) -> float | None:
    """A minute of the calls that were overheard."""
    heard = [each for each in calls if each.report.gaps_over_60ms is not None]
    minutes = sum(each.connected for each in heard) / 60
    if not minutes:
        return None
    return round(sum(each.report.gaps_over_60ms or 0 for each in heard) / minutes, 2)


def _reasons(made: Sequence[LoadCall], most: int = 5) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for each in made:
        if not each.report.answered:
            found[f"not answered: {each.report.failure}"] = None
        if each.broke:
            found["the agent left the call"] = None
        found.update({problem: None for turn in each.report.turns for problem in turn.problems})
    return tuple(found)[:most]
