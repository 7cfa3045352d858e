"""What carries a call is lost while it is up: redis, livekit-server, livekit-sip. Callers are plain telephones."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sip.simulate.script import VOICE
from sip.simulate.speech import spoken
from tests.faults.scene import (
    HUNG_AFTER,
    Inject,
    calling,
    hung,
    killed,
    lose_redis_and_its_data,
    next_call,
    record_of,
    replies,
    started_again,
    worker_notices,
)
from tests.stack import Stack, parley_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("lost")
    async with parley_up(folder, PARLEY_HUNG_AFTER=str(HUNG_AFTER)) as running:
        yield running


async def test_calls_outlive_redis_and_new_ones_come(stack: Stack) -> None:
    async with calling(stack) as caller:
        await caller.is_greeted()
        killed("redis")(stack)
        assert await caller.is_answered()
        await next_call(stack)
        assert await caller.is_answered()
    record = await record_of(stack, caller.number)
    assert (record["outcome"], record["end_reason"]) == ("answered", "caller hung up")
    assert len(replies(record)) >= 3


async def test_a_call_that_redis_has_forgotten_goes_on_and_is_hung_up(stack: Stack) -> None:
    async with calling(stack) as caller:
        await caller.is_greeted()
        lose_redis_and_its_data(stack)
        assert await caller.is_answered()
        await next_call(stack)
        await caller.agent_is_quiet()
        await caller.phone.say(await spoken("goodbye", VOICE))
        await caller.is_hung_up()
    assert (await record_of(stack, caller.number))["outcome"] == "answered"


@pytest.mark.parametrize(
    "inject", [killed("livekit-server"), hung("livekit-server")], ids=["killed", "hung"]
)
async def test_without_livekit_a_call_ends_and_new_ones_come(stack: Stack, inject: Inject) -> None:
    async with calling(stack) as caller:
        await caller.is_greeted()
        old = stack.pid("livekit-server")
        inject(stack)
        await worker_notices(stack)
        await caller.is_hung_up()
        await started_again(stack, "livekit-server", old)
    assert (await record_of(stack, caller.number))["outcome"] == "answered"
    await next_call(stack)


async def test_without_the_bridge_a_line_is_dead_its_record_is_closed_and_new_calls_come(
    stack: Stack,
) -> None:
    callers = []
    for inject in (killed("livekit-sip"), hung("livekit-sip")):
        async with calling(stack) as caller:
            await caller.is_greeted()
            old = stack.pid("livekit-sip")
            inject(stack)
            await started_again(stack, "livekit-sip", old)
            caller.phone.drop()  # nobody says BYE
        callers.append(caller)
        await next_call(stack)
    for caller in callers:
        record = await record_of(stack, caller.number)
        assert (record["outcome"], record["end_reason"]) == ("answered", "caller was lost")
