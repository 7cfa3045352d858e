"""Every test of the ledger runs on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ledger.database import open_ledger
from tests.fakes.postgres import ABSENT, Postgres, postgres


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        if running is None:
            pytest.skip(ABSENT)
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server: Postgres = request.getfixturevalue("server")
    return server.new_database()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    opened = open_ledger(url)
    yield opened
    opened.dispose()
