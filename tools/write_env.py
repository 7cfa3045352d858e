"""Writes .env with fresh random keys; keys that it holds already are kept. Standard library only."""

import os
import re
import secrets
import sys
from pathlib import Path

KEYS = {
    "LIVEKIT_API_KEY": lambda: f"API{secrets.token_hex(6)}",
    "LIVEKIT_API_SECRET": lambda: secrets.token_hex(24),
    "PARLEY_SIP_USERNAME": lambda: "parley",
    "PARLEY_SIP_PASSWORD": lambda: secrets.token_hex(12),
    "PARLEY_ENGINE_KEY": lambda: secrets.token_hex(24),
}

HEADER = (
    "# Secrets of this checkout, made by `make setup`; settings may be added (docs/settings.md).\n"
)


def main(file: Path) -> None:
    text = file.read_text() if file.exists() else HEADER
    held = set(re.findall(r"^\s*(?:export\s+)?([A-Z_]+)=", text, re.MULTILINE))
    missing = [name for name in KEYS if name not in held]
    if missing:
        if not text.endswith("\n"):
            text += "\n"
        text += "".join(f"{name}={KEYS[name]()}\n" for name in missing)
        draft = file.with_name(f"{file.name}.new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(text)
        draft.replace(file)
    file.chmod(0o600)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
