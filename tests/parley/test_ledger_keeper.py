"""Lost calls are closed while the stack is up, whatever the ledger does meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from ledger.database import open_ledger
from ledger.tables import CallRow
from parley.ledger_keeper import keeper
from parley.settings import BadSettingsError
from tests.ledger.rows import call_row, call_values


@asynccontextmanager
async def kept(url: str) -> AsyncIterator[None]:
    keeping = asyncio.ensure_future(keeper(url)())
    try:
        yield
        assert not keeping.done()
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(30.0):
        while not there():  # noqa: ASYNC110  a database tells when asked
            await asyncio.sleep(0.02)


async def test_a_call_whose_worker_died_is_closed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    engine = open_ledger(url)
    with Session(engine) as session, session.begin():
        session.add(CallRow(**call_values()))
    async with kept(url):
        await until(lambda: call_row(engine).outcome == "failed")
    engine.dispose()


async def test_a_ledger_that_cannot_be_used_is_said_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with kept(f"sqlite:///{tmp_path}"):
        await until(lambda: bool(caplog.records))
    assert caplog.records[0].getMessage() == "lost calls cannot be closed now"


def test_a_url_of_something_else_is_a_bad_setting() -> None:
    with pytest.raises(BadSettingsError, match=r"^PARLEY_LEDGER: the ledger is kept"):
        keeper("mysql://host/ledger")
