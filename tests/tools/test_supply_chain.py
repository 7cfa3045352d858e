"""The lists of what is used, and what the audit says of the answers that it gets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.go_sbom import go_sbom

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("server", ["livekit-server", "livekit-sip"])
def test_every_module_of_a_server_is_listed_once_with_its_sum(server: str) -> None:
    folder = ROOT / "tools" / server
    listed = go_sbom(folder)["components"]
    names = [component["purl"] for component in listed]
    versions = [line for line in (folder / "go.mod").read_text().splitlines() if " v" in line]
    assert len(set(names)) == len(names) == len(versions)
    assert all(component["properties"][0]["value"].startswith("h1:") for component in listed)


def tool(folder: Path, name: str, version: str, says: str, status: int) -> None:
    """A program that knows its version, and answers anything else like this."""
    (folder / f"{name}.answer").write_text(says)
    program = folder / name
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "{version}" && exit\n'
        f'cat "{folder}/{name}.answer"; exit {status}\n'
    )
    program.chmod(0o755)


NO_NETWORK = '{"message": "request to https://registry.example failed", "error": {}}'
A_HOLE = '{"vulnerabilities": {"left-pad": {"severity": "high", "range": "<1.3.0"}}}'


@pytest.mark.parametrize(
    ("uv", "npm", "status", "said"),
    [
        (("", 0), ('{"vulnerabilities": {}}', 0), 0, "web/room: no hole is known"),
        (("", 0), (A_HOLE, 1), 1, "left-pad: high (<1.3.0)"),
        (("CVE-2026-1 in parcel", 1), ('{"vulnerabilities": {}}', 0), 1, "CVE-2026-1 in parcel"),
        (("", 0), (NO_NETWORK, 1), 2, "web/room: COULD NOT BE ASKED"),
        (("dns error", 2), (A_HOLE, 1), 2, "uv.lock: COULD NOT BE ASKED"),
        (("killed", 137), (A_HOLE, 1), 2, "uv.lock: COULD NOT BE ASKED"),
    ],
)
def test_an_audit_tells_no_holes_from_no_answer(
    tmp_path: Path, uv: tuple[str, int], npm: tuple[str, int], status: int, said: str
) -> None:
    tool(tmp_path, "uv", "uv 0.99.0", *uv)
    tool(tmp_path, "npm", "99.0.0", *npm)
    tool(tmp_path, "node", "v99.0.0", "", 0)
    audit = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "audit")],
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (audit.returncode, said in audit.stdout) == (status, True), audit.stdout + audit.stderr
