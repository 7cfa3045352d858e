"""Opening a ledger: an empty one, an old one, a newer one, somebody else's, none at all."""

import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, insert, inspect, select, text

from ledger.database import (
    MIGRATIONS,
    VERSION_TABLE,
    LedgerError,
    exclusively,
    head,
    open_ledger,
    parse,
)
from ledger.tables import Base, CallRow
from tests.ledger.rows import call_row, call_values


def test_an_empty_database_gets_the_tables_that_the_code_knows(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "version_table": VERSION_TABLE}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_the_newest_file_is_the_newest_version() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == head()


def test_opening_again_changes_nothing(url: str, engine: Engine) -> None:
    before = inspect(engine).get_table_names()
    again = open_ledger(url)
    assert inspect(again).get_table_names() == before
    again.dispose()


def test_all_who_open_it_at_once_find_it_whole(url: str) -> None:
    start = threading.Barrier(8)

    def tables() -> int:
        start.wait()
        engine = open_ledger(url)
        try:
            return len(inspect(engine).get_table_names())
        finally:
            engine.dispose()

    with ThreadPoolExecutor(8) as threads:
        racing = [threads.submit(tables) for _ in range(8)]
        assert {each.result() for each in racing} == {len(Base.metadata.tables) + 1}


def test_a_newer_ledger_is_refused(url: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = 'v9999'"))
    with pytest.raises(LedgerError, match=r"newer Parley wrote it \(version v9999\): update"):
        open_ledger(url)


def test_tables_of_somebody_else_are_left_alone(url: str) -> None:
    stranger = create_engine(parse(url))
    with stranger.begin() as connection:
        connection.execute(text("CREATE TABLE calls (name VARCHAR(9))"))
    with pytest.raises(LedgerError, match="a table 'calls' that is not the ledger's"):
        open_ledger(url)
    assert inspect(stranger).get_table_names() == ["calls"]
    stranger.dispose()


def test_a_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "ledger.db"
    open_ledger(f"sqlite:///{file}").dispose()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_opening_it_once_more_takes_no_locks_from_those_who_have_it_open(tmp_path: Path) -> None:
    """Without them the last connection of another process deletes the log that we write into."""
    file = tmp_path / "ledger.db"
    first = open_ledger(f"sqlite:///{file}")
    with first.connect() as connection:
        connection.execute(select(CallRow.id)).all()
        open_ledger(f"sqlite:///{file}").dispose()
        elsewhere = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM calls'); c.close()"
        subprocess.run((sys.executable, "-c", elsewhere, str(file)), check=True)
        assert (tmp_path / "ledger.db-wal").exists()
    first.dispose()


def test_a_folder_in_the_place_of_the_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="Is a directory"):
        open_ledger(f"sqlite:///{tmp_path}")


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but long enough to be taken for one" * 99)
    with pytest.raises(LedgerError, match="not a database"):
        open_ledger(f"sqlite:///{file}")


def test_a_server_that_does_not_answer_is_said_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as refused:
        open_ledger(f"postgresql://parley:sesame@/ledger?host={tmp_path}")
    assert "cannot be opened" in str(refused.value)
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ledger.db", "cannot be read"),
        ("postgresql://parley:sesame@host:port/ledger", "cannot be read"),
        ("mysql://parley:sesame@host/ledger", "not in mysql"),
        ("oracle://parley:sesame@host/ledger", "not in oracle"),
    ],
)
def test_a_url_of_something_else_is_refused_without_its_password(url: str, why: str) -> None:
    with pytest.raises(LedgerError, match=why) as refused:
        open_ledger(url)
    assert "sesame" not in str(refused.value)


def test_an_older_ledger_is_brought_up_to_date_with_what_it_holds(url: str) -> None:
    old = create_engine(parse(url))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with exclusively(old) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "v0001")
    with old.begin() as connection:
        connection.execute(insert(CallRow).values(**call_values()))
    old.dispose()
    engine = open_ledger(url)
    assert call_row(engine).persona == "clerk"
    with engine.connect() as connection:
        assert (
            connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar() == head()
        )
    engine.dispose()
