"""PostgreSQL's own programs, run as an ordinary user on a socket in a folder of their own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

USER = "parley"
ABSENT = "PostgreSQL's programs are not installed: run `make setup`"


class Postgres:
    """A server that can be stopped and started again."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        self._databases = 0
        self._run(
            "initdb", "--auth=trust", f"--username={USER}", "--no-sync", "--encoding=UTF8",
            "--locale=C", "--pgdata", str(self._data),
        )  # fmt: skip

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self._folder} -c fsync=off"
        log = self._folder / "log"
        self._control("start", "--wait", "--options", options, "--log", str(log))

    def stop(self) -> None:
        """At once: whoever is connected is cut off."""
        self._control("stop", "--mode=immediate")

    def new_database(self) -> str:
        """Its URL."""
        self._databases += 1
        name = f"ledger{self._databases}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://{USER}@/{name}?host={self._folder}"

    def _address(self, database: str) -> str:
        return f"host={self._folder} user={USER} dbname={database}"

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", "--silent", "--pgdata", str(self._data), *words)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            (str(self._programs / program), *words),
            check=True,
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
            user=ordinary_user(),
            extra_groups=None if ordinary_user() is None else [],
            stdout=subprocess.DEVNULL,
        )


def ordinary_user() -> str | None:
    """Whom root becomes: initdb refuses root. None: we are somebody else already."""
    return "nobody" if os.geteuid() == 0 else None


def programs() -> Path | None:
    """Where initdb is: Debian keeps it out of PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    return Path(found).parent if found else None


@contextmanager
def postgres() -> Iterator[Postgres | None]:
    """A running server, or None where its programs are absent."""
    where = programs()
    if where is None:
        yield None
        return
    # pytest's own folders are closed to other users, and too deep for a socket's name.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        if user := ordinary_user():
            shutil.chown(folder, user)
        server = Postgres(where, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
