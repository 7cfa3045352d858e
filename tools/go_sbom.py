"""The Go modules that a program of tools/ is built of, as CycloneDX 1.5. Standard library only."""

import re
from pathlib import Path
from typing import Any

REQUIRED = re.compile(r"^(?:require)?\s+(\S+\.\S+) (v\S+)", re.MULTILINE)


def go_sbom(folder: Path) -> "dict[str, Any]":
    """Of its go.mod, with the sums that go.sum has of the modules' files."""
    sums = {}
    for line in (folder / "go.sum").read_text().splitlines():
        module, version, digest = line.split()
        sums[module, version] = digest
    modules = REQUIRED.findall((folder / "go.mod").read_text())
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": folder.name}},
        "components": [
            {
                "type": "library",
                "bom-ref": f"pkg:golang/{module}@{version}",
                "purl": f"pkg:golang/{module}@{version}",
                "name": module,
                "version": version,
                "properties": [{"name": "go.sum", "value": sums[module, version]}],
            }
            for module, version in sorted(modules)
        ],
    }
