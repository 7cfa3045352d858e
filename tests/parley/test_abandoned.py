"""Calls whose process is gone are known where it ran, and nowhere else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.database import open_ledger
from ledger.holder import this_place, this_process
from ledger.tables import CallRow
from ledger.writer import Writer
from parley.abandoned import Abandoned, abandoned, is_running
from tests.ledger.rows import call_values

HERE = "host:4026531836"
PATIENCE = 10.0


def runs(pid: int) -> bool:
    return pid == 1


@pytest.mark.parametrize(
    ("held", "left"),
    [
        ([("call-a", f"{HERE}:1")], set()),
        ([("call-a", f"{HERE}:2")], {"call-a"}),
        ([("call-a", "other:4026531836:2")], set()),
        ([("call-a", "host:4026531999:2")], set()),  # a container that has this machine's name
        ([("call-a", "host:2")], set()),  # as older versions wrote it
        ([("call-a", "")], set()),
        ([("call-a", f"{HERE}:2"), ("call-a", f"{HERE}:1")], set()),
        ([("call-a", f"{HERE}:2"), ("call-b", f"{HERE}:1")], {"call-a"}),
    ],
)
def test_a_room_is_abandoned_when_all_who_held_it_ran_here_and_are_over(
    held: list[tuple[str, str]], left: set[str]
) -> None:
    assert abandoned(held, HERE, runs) == left


def test_a_process_is_over_when_it_is_dead_though_nobody_has_asked_how() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie
        assert not is_running(process.pid)
    assert not is_running(process.pid)
    assert is_running(os.getpid())


@pytest.fixture
def gone() -> str:
    """A process that ran here."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return f"{this_place()}:{process.pid}"


async def test_it_is_read_in_the_ledger(tmp_path: Path, gone: str) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    writer = Writer(lambda: open_ledger(url))
    writer.add(CallRow, **call_values("gone", worker=gone))
    writer.add(CallRow, **call_values("here", worker=this_process()))
    writer.add(CallRow, **call_values("over", worker=gone, outcome="answered"))
    writer.close(PATIENCE)
    assert await Abandoned(url).rooms() == {"call-gone"}


async def test_a_ledger_that_is_away_knows_of_none(tmp_path: Path) -> None:
    assert await Abandoned(f"sqlite:///{tmp_path}/no/such/folder/ledger.db").rooms() == set()
