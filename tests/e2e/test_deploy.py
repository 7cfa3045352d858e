"""A new worker takes over from an old one: no call ends, and none is lost."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from parley.probes import http_ok
from parley.worker import worker_environment
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import until
from tests.e2e.talk import talking
from tests.e2e.workers import START, line_with, worker
from tests.stack import Stack, parley_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Its worker is the old one."""
    async with parley_up(tmp_path_factory.mktemp("deploy")) as stack:
        yield stack


async def test_the_old_worker_ends_its_calls_in_peace_and_the_new_one_takes_the_next(
    deployed: Stack,
) -> None:
    line, old = line_to(deployed), deployed.pid("worker")
    old_is_ready = http_ok(deployed.facts["parts"]["worker"]["port"], "/ready")

    async def old_takes_no_more() -> bool:
        return not await old_is_ready()

    async with talking(line) as first:
        await first.is_greeted()
        environment = worker_environment(deployed.environment)
        async with worker(environment, *START, stop=signal.SIGTERM) as new:
            registered = asyncio.create_task(line_with(new, b"registered worker"))
            while not registered.done():
                await first.is_answered()  # who says nothing is asked, and then hung up on
            os.kill(old, signal.SIGTERM)
            await until(old_takes_no_more)
            async with talking(line) as second:
                await second.is_answered()
                await first.is_answered()
