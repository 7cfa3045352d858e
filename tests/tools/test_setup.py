"""`make setup` where something is missing, and the keys that it writes."""

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from parley.settings import ROOT


def setup_on(machine: Path, *programs: str) -> subprocess.CompletedProcess[str]:
    """A checkout that was never set up, on a machine that has `programs` and nothing else."""
    (machine / "tools").mkdir()
    (machine / "bin").mkdir()
    for file in ("setup", "shell.py", "go_programs.py", "pages.py"):
        shutil.copy(ROOT / "tools" / file, machine / "tools")
    for name in programs:
        program = machine / "bin" / name
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    return subprocess.run(
        [sys.executable, "tools/setup"],
        cwd=machine,
        env={"PATH": str(machine / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_package_manager_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    done = setup_on(tmp_path, "flite")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "neither apt nor brew: install redis-server, sox, baresip-core, " in done.stderr
    assert "gcc" in done.stderr
    assert "flite" not in done.stderr


def test_a_failing_package_manager_is_named_with_its_log(tmp_path: Path) -> None:
    done = setup_on(tmp_path, "brew")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert re.search(r"installing redis, flite, .* failed .*setup\.log", done.stderr)


def write_env(file: Path) -> str:
    subprocess.run([sys.executable, ROOT / "tools" / "write_env.py", file], check=True)
    return file.read_text()


def test_keys_are_random_and_for_their_owner_alone(tmp_path: Path) -> None:
    first, second = write_env(tmp_path / "first"), write_env(tmp_path / "second")
    secrets = re.findall(r"^(?!PARLEY_SIP_USERNAME)[A-Z_]+=(.+)$", first, re.MULTILINE)
    assert len(secrets) == 4
    assert not any(secret in second for secret in secrets)
    assert stat.S_IMODE((tmp_path / "first").stat().st_mode) == 0o600


@pytest.mark.parametrize("held", ["PARLEY_ENGINE_KEY=mine\nCSM_MODEL=x", "# nothing yet\n"])
def test_what_the_file_holds_is_kept(tmp_path: Path, held: str) -> None:
    file = tmp_path / "env"
    file.write_text(held)
    written = write_env(file)
    assert written.startswith(held)
    assert written.count("PARLEY_ENGINE_KEY=") == 1
    assert write_env(file) == written
