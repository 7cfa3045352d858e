"""What speaks with callers hangs, or is killed, in a call: it is started again, and others take over."""

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from parley.worker import worker_environment
from tests.e2e.conftest import line_to
from tests.e2e.talk import QUESTION, talking
from tests.e2e.workers import START, line_with, worker
from tests.faults.scene import (
    HUNG_AFTER,
    calling,
    hung,
    killed,
    next_call,
    record_of,
    started_again,
)
from tests.stack import Stack, parley_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    patience = {"PARLEY_HUNG_AFTER": str(HUNG_AFTER), "AGENT_RECOVERY__PATIENCE": "60"}
    async with parley_up(tmp_path_factory.mktemp("hung"), **patience) as running:
        yield running


@pytest.mark.parametrize("part", ["whisper", "scripted", "csm"])
async def test_an_engine_or_model_that_hangs_comes_back_in_the_call(
    stack: Stack, part: str
) -> None:
    async with talking(line_to(stack)) as talk:
        await talk.is_greeted()
        since, old = talk.line.now(), stack.pid(part)
        hung(part)(stack)
        await talk.say(QUESTION)
        await talk.agent_speaks(after=since)  # the apology needs none of them
        await started_again(stack, part, old)
        await talk.is_answered()


async def test_calls_outlive_a_redis_that_hangs_and_new_ones_come(stack: Stack) -> None:
    async with calling(stack) as caller:
        await caller.is_greeted()
        old = stack.pid("redis")
        hung("redis")(stack)
        await started_again(stack, "redis", old)
        await next_call(stack)
        assert await caller.is_answered()
    assert (await record_of(stack, caller.number))["outcome"] == "answered"


async def test_a_worker_that_hangs_ends_no_call_and_takes_the_next_when_it_has_none(
    stack: Stack,
) -> None:
    line, old = line_to(stack), stack.pid("worker")
    async with talking(line) as talk:
        await talk.is_greeted()
        hung("worker")(stack)
        await talk.is_answered()
        await talk.is_answered()
        assert stack.pid("worker") == old
    await started_again(stack, "worker", old)
    await next_call(stack)


async def test_a_second_worker_takes_the_next_call_when_one_is_killed(stack: Stack) -> None:
    environment = worker_environment(stack.environment)
    async with (
        calling(stack) as lost,
        worker(environment, *START, stop=signal.SIGTERM) as second,
    ):
        await lost.is_greeted()
        await line_with(second, b"registered worker")
        killed("worker")(stack)
        async with calling(stack) as caller:
            await caller.is_greeted()
