"""A process that is killed in a call loses at most the turn that was open."""

import signal
import subprocess
import sys
from datetime import timedelta

from sqlalchemy import Engine

from ledger.reaper import PATIENCE, reap
from tests.ledger.rows import START, call_row, texts

CALL = """
import sys
from ledger.database import open_ledger
from ledger.tables import CallRow, TurnRow
from ledger.writer import Writer
from tests.ledger.rows import call_values, turn_values

writer = Writer(lambda: open_ledger(sys.argv[1]))
writer.add(CallRow, **call_values())
for n in range(1_000_000):
    writer.add(TurnRow, **turn_values(n))
    writer.call("c1", heard_seconds=float(n))
    assert writer.settle(30)  # the caller speaks for longer than the disk takes
    print(n, flush=True)
"""


def test_all_turns_but_the_open_one_stand_and_the_reaper_closes_the_call(
    url: str, engine: Engine
) -> None:
    command = (sys.executable, "-c", CALL, url)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout]
    assert process.returncode == -signal.SIGKILL
    written = texts(engine)
    assert written == [f"turn {n}" for n in range(len(written))]
    assert len(told) <= len(written) <= len(told) + 1
    assert call_row(engine).outcome is None
    assert reap(engine, START + PATIENCE + timedelta(seconds=1)) == ["c1"]
    row = call_row(engine)
    assert (row.outcome, row.end_reason) == ("failed", "worker lost")
    assert row.heard_seconds >= told[-1]
