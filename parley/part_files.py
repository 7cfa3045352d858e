"""The programs and configurations that parts are made of."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from parley.settings import ROOT, BadSettingsError
from parley_serving.settings import is_loopback


def program(name: str) -> str:
    """Its path: as setup built it, or in PATH. Raises BadSettingsError."""
    built = ROOT / ".tools" / "bin" / name
    found = str(built) if built.exists() else shutil.which(name)
    if found is None:
        raise BadSettingsError(f"{name} is not installed: run `make setup`")
    return found


def read_config(path: Path) -> dict[str, Any]:
    """A mapping in YAML. Raises BadSettingsError."""
    try:
        config = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise BadSettingsError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(config, dict):
        raise BadSettingsError(f"{path} must hold a mapping of settings")
    return config


def refuse_beyond_loopback(what: str, *addresses: str) -> None:
    """Raises BadSettingsError."""
    for address in addresses:
        if not is_loopback(address):
            raise BadSettingsError(
                f"{what} is {address}: `parley up` listens on this machine alone; "
                "to be reached from others, run the parts with keys of your own"
            )
