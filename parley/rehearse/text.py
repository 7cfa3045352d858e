"""Scenarios in text: played one after another, then checked."""

from pathlib import Path

from parley.rehearse.check import Check, failure
from parley.rehearse.judge import Judge
from parley.rehearse.play import play
from parley.rehearse.record import Record
from parley.rehearse.results import CheckResult, Result
from parley.rehearse.scenario import Scenario
from parley.rehearse.stage import staged

NO_JUDGE = "no judge: give --judge and --judge-model"


def rehearse(scenario: Scenario, personas: Path, judge: Judge | None = None) -> Result:
    """Raises `BadFileError` for a persona or a script that cannot be used."""
    if scenario.needs:
        return Result.skipped(scenario.name, scenario.goal, f"needs {scenario.needs}")
    with staged(scenario, personas) as stage:
        record = play(stage)
    return result_from(scenario, record, [checked(each, record, judge) for each in scenario.checks])


def result_from(scenario: Scenario, record: Record, checks: list[CheckResult]) -> Result:
    """Of a call with that record; what went wrong with the call itself comes before its checks."""
    if record.error:
        checks = [CheckResult(check="the call", status="failed", why=record.error), *checks]
    return Result.of(
        scenario.name,
        scenario.goal,
        checks,
        seconds=record.seconds,
        transcript=record.transcript(),
    )


def checked(check: Check, record: Record, judge: Judge | None) -> CheckResult:
    if check.judge is None:
        why = failure(check, record)
    elif judge is None:
        return CheckResult(check=str(check), status="skipped", why=NO_JUDGE)
    else:
        why = judge.objection(check.judge, record.transcript())
    return CheckResult(check=str(check), status="failed" if why else "passed", why=why)
