"""The ledger's database is stopped in a call: nobody on the line notices, and nothing said is lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.postgres import ABSENT, Postgres, postgres
from tests.faults.scene import calling, next_call, record_of, replies
from tests.stack import parley_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres() as running:
        if running is None:
            pytest.skip(ABSENT)
        yield running


async def test_a_call_goes_on_without_the_database_and_stands_in_it_after(
    server: Postgres, tmp_path: Path
) -> None:
    async with parley_up(tmp_path, PARLEY_LEDGER=server.new_database()) as stack:
        async with calling(stack) as caller:
            await caller.is_greeted()
            await asyncio.to_thread(server.stop)
            assert await caller.is_answered()
            await next_call(stack)
            await asyncio.to_thread(server.start)
            assert await caller.is_answered()
        record = await record_of(stack, caller.number)
    assert record["outcome"] == "answered"
    assert len(replies(record)) >= 3
