"""The order of checks, what waits for what, and what is said of the whole."""

import asyncio
import json

import pytest

from sip.doctor.examine import LOOK, Check, Looked, examine
from sip.doctor.finding import Examination, Finding, Reporter, Verdict
from tests.fakes.virtual_time import on_virtual_time


async def fine(report: Reporter) -> Looked:
    return report.ok("it is")


async def broken(report: Reporter) -> Looked:
    return report.failed("it is not", "mend it")


async def slow(report: Reporter) -> Looked:
    await asyncio.sleep(1.0)
    return report.ok("at last")


async def stuck(_: Reporter) -> Looked:
    await asyncio.Event().wait()
    raise AssertionError


def verdicts(examination: Examination) -> dict[str, Verdict]:
    return {each.check: each.verdict for each in examination.findings}


@on_virtual_time
async def test_checks_run_together_and_are_told_in_order() -> None:
    found = await examine([Check("a", slow), Check("b", fine), Check("c", slow)])
    assert [each.check for each in found.findings] == ["a", "b", "c"]
    assert found.seconds == 1.0
    assert found.healthy


@on_virtual_time
async def test_a_check_that_takes_too_long_has_failed() -> None:
    found = await examine([Check("a", stuck), Check("b", stuck, limit=1.0)])
    assert found.seconds == LOOK
    assert verdicts(found) == {"a": Verdict.FAILED, "b": Verdict.FAILED}
    assert found.findings[1].says == "no answer in 1 s"


@on_virtual_time
async def test_what_needs_something_broken_is_skipped_and_says_why() -> None:
    found = await examine(
        [Check("a", broken), Check("b", stuck, needs=("a",)), Check("c", stuck, needs=("b",))]
    )
    assert verdicts(found) == {"a": Verdict.FAILED, "b": Verdict.SKIPPED, "c": Verdict.SKIPPED}
    assert [each.says for each in found.findings[1:]] == ["a comes first", "b comes first"]


@on_virtual_time
async def test_a_warning_keeps_nothing_from_being_looked_at() -> None:
    async def doubtful(report: Reporter) -> Looked:
        return [report.ok("one"), report.warning("two", "see")]

    found = await examine([Check("a", doubtful), Check("b", fine, needs=("a",))])
    assert verdicts(found) == {"a": Verdict.WARNING, "b": Verdict.OK}
    assert found.healthy


FINDINGS = (
    Finding("one", Verdict.OK, "fine"),
    Finding("two", Verdict.FAILED, "broken", "mend it"),
    Finding("three", Verdict.FAILED, "broken too", "mend that"),
)


def test_the_first_trouble_is_named() -> None:
    whole = Examination(FINDINGS, 1.25)
    assert not whole.healthy
    assert whole.page().splitlines() == [
        "ok       one    fine",
        "failed   two    broken",
        "                → mend it",
        "failed   three  broken too",
        "                → mend that",
        "",
        "First trouble: two (1.2 s)",
    ]
    told = json.loads(json.dumps(whole.to_json()))
    assert told["trouble"] == "two"
    assert told["findings"][1] == {
        "check": "two",
        "verdict": "failed",
        "says": "broken",
        "fix": "mend it",
    }


@pytest.mark.parametrize(
    ("verdict", "last"),
    [
        (Verdict.OK, "A call gets through (0.0 s)"),
        (Verdict.WARNING, "A call gets through, warnings: 1 (0.0 s)"),
    ],
)
def test_what_is_said_of_a_healthy_whole(verdict: Verdict, last: str) -> None:
    assert Examination((Finding("a", verdict, "so"),), 0.0).page().splitlines()[-1] == last
