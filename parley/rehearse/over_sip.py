"""Scenarios as real calls: on a stack of their own, by callers with flite's voice."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from parley.rehearse.check import Check
from parley.rehearse.judge import Judge
from parley.rehearse.results import CheckResult, Report, Result
from parley.rehearse.scenario import Scenario
from parley.rehearse.sip_call import Played, play
from parley.rehearse.sip_doors import door
from parley.rehearse.sip_mind import Minds
from parley.rehearse.sip_plan import Part, Plan, planned
from parley.rehearse.sip_stack import OwnStack, own_stack
from parley.rehearse.text import checked, result_from
from sip.simulate.group import one_failure
from sip.simulate.script import VOICE
from sip.simulate.speech import spoken

AT_ONCE = 2
"""Calls."""

ALLOWED = 1.0
"""Seconds that a timed check has more than in text: engines, network and telephone take theirs."""
TRIAL = "hello"
TIMED = ("within", "silent_within", "never_silent")
OF_THE_MODEL = frozenset({"told_model", "never_told", "forgotten", "tool_called", "never_calls"})
"""Which a model of somebody else's does not tell."""


def rehearse(
    scenarios: Sequence[Scenario],
    personas: Path,
    environment: Mapping[str, str],
    judge: Judge | None = None,
) -> Report:
    """`environment` may name other engines.

    Raises `BadFileError` before anything is started, NotRunningError, and SpeechError where flite is not
    installed.
    """
    with tempfile.TemporaryDirectory(prefix="parley-rehearse-") as folder:
        plan = planned(scenarios, personas, Path(folder))
        played = asyncio.run(_all(plan, environment)) if plan.parts else {}
        return Report.of([_result(scenario, plan, played, judge) for scenario in scenarios])


async def _all(plan: Plan, environment: Mapping[str, str]) -> dict[str, Played]:
    await spoken(TRIAL, VOICE)  # without a voice there is no need of a stack
    minds = Minds({part.model: part.script for part in plan.parts.values() if part.script})
    with one_failure():
        async with minds.serving(), own_stack(plan, minds, environment) as stack:
            return await played_in(stack, minds, list(plan.parts.values()))


async def played_in(stack: OwnStack, minds: Minds, parts: Sequence[Part]) -> dict[str, Played]:
    """Each once, `AT_ONCE` at a time; by the scenario's name."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(part: Part) -> Played:
        async with places, door(stack.line, part):
            return await play(part, stack, minds)

    with one_failure():
        async with asyncio.TaskGroup() as tasks:
            calls = {part.scenario.name: tasks.create_task(one(part)) for part in parts}
    return {name: task.result() for name, task in calls.items()}


def _result(
    scenario: Scenario, plan: Plan, played: Mapping[str, Played], judge: Judge | None
) -> Result:
    if why := plan.skipped.get(scenario.name):
        return Result.skipped(scenario.name, scenario.goal, why)
    return result_of(scenario, played[scenario.name], judge)


def result_of(scenario: Scenario, played: Played, judge: Judge | None = None) -> Result:
    """What the call's record says of the scenario's checks."""
    record = played.record
    checks = [
        CheckResult(check=str(check), status="skipped", why=why)
        if (why := unknowable(check, scenario))
        else checked(eased(check), record, judge)
        for check in scenario.checks
    ]
    if played.recording is None:
        checks = []
    return result_from(scenario, record, checks)


def unknowable(check: Check, scenario: Scenario) -> str | None:
    """Why a real call does not tell; None where it does."""
    if scenario.model is not None and check.kind in OF_THE_MODEL:
        return "the model is not ours"
    if check.kind == "never_silent" and any(turn.silence for turn in scenario.turns):
        return "the caller's silences come when they come"
    return None


def eased(check: Check) -> Check:
    """With the time that a real call takes beyond one in text."""
    if check.kind not in TIMED:
        return check
    return check.model_copy(update={check.kind: getattr(check, check.kind) + ALLOWED})
