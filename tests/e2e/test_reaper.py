"""Calls that nobody answers, or whose agent dies: the caller is not left alone with the line."""

import os
import signal
from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio

from parley.part import Probe
from parley.probes import http_ok
from sip.simulate.caller import CallFailedError
from sip.simulate.phone import phone_call
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import Switchboard, until
from tests.e2e.talk import NUMBER, talking
from tests.stack import Stack, parley_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

CALLER = "+15550170001"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Its worker is killed here, by us alone."""
    async with parley_up(tmp_path_factory.mktemp("reaper"), PARLEY_HUNG_AFTER="600") as stack:
        yield stack


def worker_is_ready(stack: Stack) -> Probe:
    return http_ok(stack.facts["parts"]["worker"]["port"], "/ready")


def worker_and_its_calls(stack: Stack) -> list[psutil.Process]:
    worker = psutil.Process(stack.pid("worker"))
    return [worker, *worker.children(recursive=True)]


async def test_a_worker_that_is_killed_leaves_no_caller_on_the_line(alone: Stack) -> None:
    line = line_to(alone)
    async with talking(line) as talk:
        await talk.is_greeted()
        for process in worker_and_its_calls(alone):
            process.kill()
        await talk.is_hung_up()
    assert "the agent's process is gone" in alone.said()
    await until(worker_is_ready(alone))  # later than the caller is let go
    async with Switchboard.open(alone, line) as switchboard:
        await switchboard.until_idle()


async def test_a_call_that_no_worker_takes_is_busy_and_does_not_ring_on(alone: Stack) -> None:
    line = line_to(alone)
    await until(worker_is_ready(alone))
    worker = alone.pid("worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        with pytest.raises(CallFailedError, match="486"):
            async with phone_call(line, to=NUMBER, from_=CALLER):
                pass
    finally:
        os.kill(worker, signal.SIGCONT)
