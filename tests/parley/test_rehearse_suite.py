"""The shipped scenarios, all of them, in text."""

import asyncio
import time

import pytest

from parley.rehearse import clock, text
from parley.rehearse.command import PERSONAS, SUITE
from parley.rehearse.scenario import DEEDS, Scenario, load_all

SCENARIOS = load_all([SUITE])
LEAST = 30


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_shipped_scenario_passes_or_says_what_it_needs(scenario: Scenario) -> None:
    result = text.rehearse(scenario, PERSONAS)
    if scenario.needs:
        assert (result.status, result.why) == ("skipped", f"needs {scenario.needs}")
    else:
        assert result.status == "passed", f"{result.why}\n" + "\n".join(result.transcript)


def test_the_suite_is_large_and_uses_every_deed() -> None:
    played = [scenario for scenario in SCENARIOS if not scenario.needs]
    assert len(played) >= LEAST
    assert {turn.deed for scenario in played for turn in scenario.turns} == set(DEEDS)


def test_a_judge_that_nobody_named_is_a_skipped_check_and_no_passed_one() -> None:
    judged = [s for s in SCENARIOS if any(check.judge for check in s.checks)]
    results = [text.rehearse(scenario, PERSONAS) for scenario in judged]
    checks = [check for result in results for check in result.checks if "judge" in check.check]
    assert checks
    assert {(check.status, check.why) for check in checks} == {("skipped", text.NO_JUDGE)}


def test_a_rehearsal_leaves_the_clocks_of_the_process_as_they_were() -> None:
    clocks = time.time, time.monotonic, time.perf_counter
    text.rehearse(next(s for s in SCENARIOS if s.name == "opening_hours"), PERSONAS)
    assert (time.time, time.monotonic, time.perf_counter) == clocks


def test_an_hour_on_the_rehearsals_clock_is_an_hour_for_whoever_asks_for_the_time() -> None:
    async def wait() -> tuple[float, float]:
        began, loop_began = time.time(), asyncio.get_running_loop().time()
        await asyncio.sleep(3600)
        return time.time() - began, asyncio.get_running_loop().time() - loop_began

    assert list(clock.run(wait())) == pytest.approx([3600, 3600])


def test_the_clock_stands_still_while_a_thread_works() -> None:
    async def work() -> tuple[str, float]:
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(0.001):  # of virtual time, which the thread does not take
            done = await asyncio.to_thread(lambda: "x" * sum(range(200_000)).bit_length())
        return done, asyncio.get_running_loop().time() - began

    done, took = clock.run(work())
    assert done
    assert took < 0.001
