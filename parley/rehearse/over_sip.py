"""Scenarios as real calls: what of them a SIP caller with flite's voice can do and hear."""

import asyncio

from parley.rehearse.judge import Judge
from parley.rehearse.record import Heard, Record, Spell, Taken
from parley.rehearse.results import CheckResult, Result
from parley.rehearse.scenario import Scenario, Turn
from parley.rehearse.text import checked
from sip.simulate.report import CallReport
from sip.simulate.run import simulate
from sip.simulate.script import TurnScript
from sip.simulate.stack import Stack

NEEDS_TEXT = "needs text mode"
HEARD = frozenset({"contains", "not_contains", "never_says", "heard_all_of", "within", "judge"})
"""What a caller's ear alone can tell."""

STEP = 1000.0
"""Seconds between two turns of a record made of a report, which has no times of its own."""


def rehearse(
    scenario: Scenario, stack: Stack, number: str, persona: str, judge: Judge | None = None
) -> Result:
    """`persona` is who answers `number`. Raises SpeechError where flite is not installed."""
    if scenario.needs:
        return Result.skipped(scenario.name, scenario.goal, f"needs {scenario.needs}")
    if why := unplayable(scenario, persona):
        return Result.skipped(scenario.name, scenario.goal, f"{NEEDS_TEXT}: {why}")
    turns = [TurnScript(say=turn.words, barge_in=turn.after) for turn in scenario.turns]
    called = asyncio.run(simulate(stack, to=number, turns=turns))
    report = called[0].report
    if not report.answered:
        lost = CheckResult(check="the call", status="failed", why=report.failure)
        return Result.of(scenario.name, scenario.goal, [lost])
    record = recorded(report)
    checks = [
        checked(check, record, judge)
        if check.kind in HEARD
        else CheckResult(check=str(check), status="skipped", why=NEEDS_TEXT)
        for check in scenario.checks
    ]
    return Result.of(scenario.name, scenario.goal, checks, transcript=record.transcript())


def unplayable(scenario: Scenario, persona: str) -> str | None:
    """What a call to `persona` on the running stack cannot do; None where it can do all."""
    if scenario.persona != persona:
        return f"who answers is {persona}, not {scenario.persona}"
    for name in ("script", "model", "with_", "vars", "noise_bed", "away"):
        if getattr(scenario, name):
            return f"it has its own {name.rstrip('_')}"
    for number, turn in enumerate(scenario.turns, 1):
        if why := _unspoken(turn, first=number == 1):
            return f"turn {number}: {why}"
    return None


def _unspoken(turn: Turn, *, first: bool) -> str | None:
    if turn.words is None or turn.backchannel is not None:
        return turn.deed
    if turn.at_word is not None:
        return "at_word"
    if turn.after == 0 or (first and turn.after is not None):
        return "speaking over the greeting"
    return "trails_off" if turn.trails_off else None


def recorded(report: CallReport) -> Record:
    """As far as a report knows it: each turn `STEP` seconds after the one before."""
    record = Record(seconds=STEP * (len(report.turns) + 1))
    record.heard.append(Heard(0.0, report.greeting or ""))
    for number, turn in enumerate(report.turns, 1):
        if turn.reply_s is None:
            continue
        start = STEP * number
        began = start + turn.reply_s
        record.taken.append(Taken(number, turn.said, start, start, asks=True))
        record.sound.append(Spell(began, began))
        record.heard.append(Heard(began, turn.reply or ""))
    return record
