"""Opens the ledger: SQLite by default, PostgreSQL by URL; brings an older one up to date."""

import errno
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from ledger.tables import Base

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "ledger_version"
"""Not alembic's own name: the ledger may share a database with others."""

LOCK = 0x7061726C
"""Of PostgreSQL's advisory locks, the one that is held while the tables change."""

BUSY_SECONDS = 5.0
"""How long a write waits for another process' write to a SQLite file."""

PATIENCE = {"connect_timeout": 5, "keepalives_idle": 10, "tcp_user_timeout": 10_000}
"""With PostgreSQL; seconds, but for the last one's milliseconds."""


class LedgerError(Exception):
    """The ledger cannot be used; the message names the fix and holds no password."""


def open_ledger(url: str) -> Engine:
    """A database whose tables are there and of this version. `url` as SQLAlchemy takes it.

    Any number of processes may do so at once; one of them makes the tables.

    Raises:
        LedgerError: the URL is none, nobody answers there, a newer Parley wrote it, or it holds
            tables of somebody else's.
    """
    wanted = parse(url)
    shown = wanted.render_as_string(hide_password=True)
    try:
        engine = _engine(wanted)
    except (ImportError, OSError) as error:
        raise LedgerError(f"ledger {shown}: {error}") from error
    try:
        if (version := _version(engine)) != head():
            _migrate(engine, version)
    except LedgerError as error:
        engine.dispose()
        raise LedgerError(f"ledger {shown}: {error}") from error
    except SQLAlchemyError as error:
        engine.dispose()
        raise LedgerError(f"ledger {shown} cannot be opened: {_words(error)}") from error
    return engine


def parse(url: str) -> URL:
    """Raises `LedgerError` for what is no URL of SQLite or PostgreSQL."""
    try:
        wanted = make_url(url)
    except (ArgumentError, ValueError):
        raise LedgerError(
            "the ledger's URL cannot be read: sqlite:////path/to/ledger.db, or "
            "postgresql://user:password@host/database"
        ) from None
    match wanted.get_backend_name():
        case "sqlite":
            return wanted
        case "postgresql" | "postgres":
            return wanted.set(drivername="postgresql+psycopg")
        case other:
            raise LedgerError(f"the ledger is kept in sqlite or postgresql, not in {other}")


def head() -> str:
    """The version that this code writes."""
    return max(path.stem for path in (MIGRATIONS / "versions").glob("v*.py"))


@contextmanager
def exclusively(engine: Engine, lock: int = LOCK) -> Iterator[Connection]:
    """A transaction beside which there is no other of that lock; in SQLite, none that writes."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
        yield connection
        connection.commit()


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return _create(url, PATIENCE, pool_pre_ping=True, pool_size=2)
    wait = {"timeout": BUSY_SECONDS}
    if not url.database or url.database == ":memory:":
        shared = wait | {"check_same_thread": False}
        engine = _create(url, shared, poolclass=StaticPool)
    else:
        _for_us_alone(Path(url.database))
        engine = _create(url, wait)
    event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _create(url: URL, arguments: Mapping[str, object], **options: Any) -> Engine:
    """Its errors quote no values: those are callers' words."""
    return create_engine(url, connect_args=dict(arguments), hide_parameters=True, **options)


def _for_us_alone(path: Path) -> None:
    """It holds what callers said. SQLite gives the files beside it the mode of the file.

    The file itself is never opened here: closing it would take the locks from this process's other
    connections, and somebody else's last one would then delete the log that they write into
    (sqlite.org/howtocorrupt.html, 2.2).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists():
        return
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    os.close(handle)
    try:
        with suppress(FileExistsError):  # another process was faster
            os.link(draft, path)
    finally:
        os.unlink(draft)


def _set_up_sqlite(connection: Any, _: object) -> None:
    _write_ahead(connection)
    for pragma in (
        "synchronous = NORMAL",  # a process that dies loses nothing; a machine, its last moment
        "foreign_keys = ON",
        "secure_delete = ON",  # who is erased is not to be found in the file
    ):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: Any) -> None:
    """SQLite does not wait for others here as it does elsewhere: whoever is second is refused."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _version(engine: Engine) -> str | None:
    """None: it has none of our tables."""
    with engine.connect() as connection:
        return _version_in(connection)


def _version_in(connection: Connection) -> str | None:
    known = inspect(connection)
    if known.has_table(VERSION_TABLE):
        return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    strangers = Base.metadata.tables.keys() & set(known.get_table_names())
    if strangers:
        raise LedgerError(
            f"it holds a table {min(strangers)!r} that is not the ledger's: use a database of its own"
        )
    return None


def _migrate(engine: Engine, version: str | None) -> None:
    known = {path.stem for path in (MIGRATIONS / "versions").glob("v*.py")}
    if version is not None and version not in known:
        raise LedgerError(
            f"a newer Parley wrote it (version {version}): update this one, or use another ledger"
        )
    # Here, for who finds the tables as they should be does without it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with exclusively(engine) as connection:
        if _version_in(connection) == head():  # another process was faster
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _words(error: SQLAlchemyError) -> str:
    """The driver's, on one line; SQLAlchemy adds the statement and a link."""
    cause = error.orig if isinstance(error, OperationalError) else error
    return " ".join(str(cause).split())
