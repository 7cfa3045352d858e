"""The host bench measures ticks that are what it says they are."""

import json
from pathlib import Path

import pytest
import torch

from bench.csm_cpu import Counted, main, parse, planning

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("rows", [1, 16, 200])
def test_each_planned_tick_has_a_frame_for_every_row(rows: int) -> None:
    plan = planning(rows)
    assert {plan() for _ in range(20)} == {rows}


def test_operations_are_counted() -> None:
    one = torch.ones(3)
    with Counted() as counted:
        _ = (one + 1) * 2
    assert counted.operations == 2


def test_it_runs_and_writes_every_part(tmp_path: Path) -> None:
    assert main(parse(["--rows", "1", "3", "--repeats", "4", "--out", str(tmp_path)])) == 0
    ticks = json.loads((tmp_path / "csm_cpu.json").read_text())["ticks"]
    assert [tick["rows"] for tick in ticks] == [1, 3]
    for tick in ticks:
        assert min(tick.values()) > 0
    assert "| 3 |" in (tmp_path / "csm_cpu.md").read_text()
