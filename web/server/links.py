"""Links that sign a browser in once: a command of this machine's owner makes them, the server takes them."""

import hashlib
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

LASTS = timedelta(minutes=2)


class Links:
    """A file a link, named by its code's digest: it can be removed once, and so taken once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new(self, now: datetime) -> str:
        """The code. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep(now)
        code = secrets.token_urlsafe(32)
        file = self._file(code)
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with open(handle, "w") as written:
            written.write((now + LASTS).isoformat())
        return code

    def take(self, code: str, now: datetime) -> bool:
        """Whether it is good, for the first and last time."""
        file = self._file(code)
        try:
            until = datetime.fromisoformat(file.read_text())
            file.unlink()
        except (OSError, ValueError):
            return False
        return now < until

    def _file(self, code: str) -> Path:
        return self._folder / hashlib.sha256(code.encode()).hexdigest()

    def _sweep(self, now: datetime) -> None:
        for file in self._folder.iterdir():
            try:
                if datetime.fromisoformat(file.read_text()) <= now:
                    file.unlink()
            except (OSError, ValueError):
                continue
