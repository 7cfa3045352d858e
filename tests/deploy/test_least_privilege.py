"""What the unit and the workflows may do, as far as it can be known without running them."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
UNIT = ROOT / "deploy" / "systemd" / "parley.service"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

MOST_EXPOSED = "30"
"""Of `systemd-analyze security`'s hundred; a unit without hardening has 96."""


def analyze(*arguments: str) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd here")
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr


def unit_here(folder: Path) -> str:
    """A copy whose program is there: that is looked for, too."""
    program = folder / "parley"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copy = folder / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/parley/.venv/bin/parley", str(program)))
    return str(copy)


def test_systemd_understands_all_of_the_unit(tmp_path: Path) -> None:
    analyze("verify", "--man=no", "--recursive-errors=no", unit_here(tmp_path))


def test_the_unit_is_hardened_by_systemds_own_measure(tmp_path: Path) -> None:
    analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSED}", unit_here(tmp_path))


def test_the_unit_may_write_to_its_state_alone() -> None:
    unit = UNIT.read_text()
    assert "ProtectSystem=strict" in unit
    assert "ReadWritePaths" not in unit
    (written,) = re.findall(r"^StateDirectory=(.+)$", unit, re.MULTILINE)
    for variable in ("PARLEY_RUN_DIR", "HF_HOME"):
        assert f"Environment={variable}=/var/lib/{written}/" in unit


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_has_no_right_that_its_job_does_not_name(file: Path) -> None:
    workflow: dict[Any, Any] = yaml.safe_load(file.read_text())
    assert workflow["permissions"] == {}
    assert "pull_request_target" not in workflow[True]  # YAML 1.1 reads `on` as true
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert job["timeout-minutes"]
        writes = "write" in job["permissions"].values()
        steps = job["steps"]
        assert not (writes and any("checkout" in step.get("uses", "") for step in steps))
        for step in steps:
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False
            assert "${{" not in step.get("run", ""), "what others wrote would be run"


def test_there_are_workflows() -> None:
    assert [file.stem for file in WORKFLOWS] == ["release", "test"]
