"""What is written, kept and lost, on a database that is there, locked, away or full."""

import logging
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine, PoolProxiedConnection, text

from ledger.database import LedgerError, exclusively, open_ledger
from ledger.tables import CallRow, TurnRow
from ledger.writer import Writer
from tests.fakes.postgres import Postgres
from tests.ledger.rows import call_row, call_values, texts, turn_values

PATIENCE = 20.0


@contextmanager
def writer_of(url: str, bound: int = 2000) -> Iterator[Writer]:
    writer = Writer(lambda: open_ledger(url), bound)
    try:
        yield writer
    finally:
        writer.close(PATIENCE)


def test_what_is_added_and_changed_stands_in_order(url: str, engine: Engine) -> None:
    with writer_of(url) as writer:
        writer.add(CallRow, **call_values())
        keys = [writer.add(TurnRow, **turn_values(n)) for n in range(300)]
        writer.change(TurnRow, keys[7], text="seven")
        writer.call("c1", state="stopping", outcome="answered")
        writer.call("c1", state="ended", usage={"line_seconds": 3.5})
        assert writer.settle(PATIENCE)
        assert writer.pending == 0
    expected = [f"turn {n}" for n in range(300)]
    expected[7] = "seven"
    assert texts(engine) == expected
    row = call_row(engine)
    assert (row.state, row.outcome, row.usage) == ("ended", "answered", {"line_seconds": 3.5})


def test_nothing_is_asked_of_the_database_by_whoever_talks(url: str, engine: Engine) -> None:
    may_open = Event()

    def slow() -> Engine:
        may_open.wait()
        return open_ledger(url)

    writer = Writer(slow)
    writer.add(CallRow, **call_values())
    for n in range(5):
        writer.add(TurnRow, **turn_values(n))
    assert texts(engine) == []
    may_open.set()
    assert writer.settle(PATIENCE)
    assert len(texts(engine)) == 5
    writer.close(PATIENCE)
    assert writer.lost == 0


def test_a_full_queue_loses_the_newest_and_counts_them_but_not_how_the_call_ended(
    url: str, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    may_open = Event()

    def slow() -> Engine:
        may_open.wait()
        return open_ledger(url)

    writer = Writer(slow, bound=4)
    writer.add(CallRow, **call_values())
    for n in range(10):
        writer.add(TurnRow, **turn_values(n))
        writer.call("c1", state=f"s{n}")
    assert writer.lost == 7
    may_open.set()
    writer.close(PATIENCE)
    assert texts(engine) == ["turn 0", "turn 1", "turn 2"]
    assert call_row(engine).state == "s9"
    said = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in said] == [
        "the ledger's queue is full: records are lost",
        "the ledger lacks records of a call",
    ]
    assert vars(said[1])["lost"] == 7


def test_a_record_that_is_refused_is_lost_alone(
    url: str, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with writer_of(url) as writer:
        writer.add(CallRow, **call_values())
        writer.add(TurnRow, **turn_values(0))
        writer.add(TurnRow, **turn_values(1, call_id="nobody's", text="a secret"))
        writer.add(TurnRow, **turn_values(2, latencies={"e2e": object()}))
        writer.add(TurnRow, **turn_values(3))
        writer.call("c1", state="ended")
        assert writer.settle(PATIENCE)
        assert writer.lost == 2
    assert texts(engine) == ["turn 0", "turn 3"]
    assert call_row(engine).state == "ended"
    assert "a secret" not in caplog.text


def test_what_no_database_can_hold_is_made_to_fit(url: str, engine: Engine) -> None:
    with writer_of(url) as writer:
        writer.add(CallRow, **call_values(persona="p" * 99, from_number="sip:" + "9" * 99))
        odd = {"e2e\0": math.nan, "deep": ["\0", "\ud800", math.inf]}
        writer.add(TurnRow, **turn_values(text="a\0b \ud800 ü 😀", latencies=odd))
        assert writer.settle(PATIENCE)
        assert writer.lost == 0
    assert texts(engine) == ["ab ? ü 😀"]
    assert call_row(engine).persona == "p" * 64


def test_a_record_of_which_it_is_unknown_whether_it_was_written_stands_once(
    url: str, engine: Engine
) -> None:
    """The connection is lost between a commit and its answer."""
    commits: list[object] = []

    def opened() -> Engine:
        own = open_ledger(url)
        committed = own.dialect.do_commit

        def commit(connection: PoolProxiedConnection) -> None:
            committed(connection)
            commits.append(connection)
            if len(commits) == 2:
                raise OSError("the line is dead")

        setattr(own.dialect, "do_commit", commit)  # noqa: B010  # the driver's, not ours
        return own

    writer = Writer(opened)
    try:
        writer.add(CallRow, **call_values())
        assert writer.settle(PATIENCE)
        writer.add(TurnRow, **turn_values(0))
        writer.add(TurnRow, **turn_values(1))
        assert writer.settle(PATIENCE)
    finally:
        writer.close(PATIENCE)
    assert len(commits) >= 3
    assert texts(engine) == ["turn 0", "turn 1"]


def test_a_locked_file_is_waited_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    other = open_ledger(url)
    with writer_of(url) as writer:
        with exclusively(other):
            writer.add(CallRow, **call_values())
            for n in range(10):
                writer.add(TurnRow, **turn_values(n))
            assert not writer.settle(0.3)
        assert writer.settle(PATIENCE)
    assert len(texts(other)) == 10
    other.dispose()


def test_a_server_that_goes_away_in_a_call_and_comes_back_has_it_all_once(
    server: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    url = server.new_database()
    caplog.set_level(logging.INFO)
    with writer_of(url) as writer:
        writer.add(CallRow, **call_values())
        writer.add(TurnRow, **turn_values(0))
        assert writer.settle(PATIENCE)
        server.stop()
        try:
            for n in range(1, 10):
                writer.add(TurnRow, **turn_values(n))
                writer.call("c1", state=f"s{n}")
            assert not writer.settle(0.3)
        finally:
            server.start()
        assert writer.settle(PATIENCE)
        assert writer.lost == 0
    engine = open_ledger(url)
    assert texts(engine) == [f"turn {n}" for n in range(10)]
    assert call_row(engine).state == "s9"
    engine.dispose()
    said = [record.getMessage() for record in caplog.records if record.name == "ledger.writer"]
    assert said[0].startswith("the ledger cannot be written now")
    assert said[-1] == "the ledger is written again"


def test_a_ledger_that_never_opens_is_lost_and_said(caplog: pytest.LogCaptureFixture) -> None:
    def refused() -> Engine:
        raise LedgerError("nobody answers there")

    writer = Writer(refused)
    writer.add(CallRow, **call_values())
    writer.call("c1", state="ended")
    writer.close(0.3)
    assert [record.getMessage() for record in caplog.records] == [
        "the ledger cannot be written now: what happens is kept and tried again",
        "the ledger lacks records of a call",
    ]
    assert vars(caplog.records[0])["reason"] == "nobody answers there"
    assert vars(caplog.records[1])["lost"] == 2


FULL_DISK = """
import resource, sys
from pathlib import Path
from ledger.database import open_ledger
from ledger.tables import CallRow, TurnRow
from ledger.writer import Writer
from tests.ledger.rows import call_values, turn_values

url, wal = f"sqlite:///{sys.argv[1]}", Path(sys.argv[1] + "-wal")
writer = Writer(lambda: open_ledger(url))
writer.add(CallRow, **call_values())
assert writer.settle(20)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 20_000, hard))
for n in range(200):
    writer.add(TurnRow, **turn_values(n, text=f"turn {n}" + " " * 1000))
print("kept", not writer.settle(0.5), "lost", writer.lost)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print("written", writer.settle(20), "lost", writer.lost)
writer.close(20)
"""


def test_a_full_disk_loses_nothing_once_there_is_room_again(tmp_path: Path) -> None:
    """A limit on the size of files fails a write as a full disk does; it holds for a process."""
    file = tmp_path / "ledger.db"
    done = subprocess.run(
        (sys.executable, "-c", FULL_DISK, str(file)), check=True, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[:2] == ["kept True lost 0", "written True lost 0"]
    engine = open_ledger(f"sqlite:///{file}")
    assert [said.strip() for said in texts(engine)] == [f"turn {n}" for n in range(200)]
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    engine.dispose()
