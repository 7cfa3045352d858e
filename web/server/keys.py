"""API keys: made once, shown once, kept as digests in a file that only its owner reads."""

import fcntl
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError


class Scope(StrEnum):
    """What a key may do. `ADMIN` is all of it; `CALLS_NUMBERS` unmasks telephone numbers;
    `CALLS_LISTEN` hears calls that go on."""

    CALLS_READ = "calls:read"
    CALLS_WRITE = "calls:write"
    CALLS_NUMBERS = "calls:numbers"
    CALLS_LISTEN = "calls:listen"
    PERSONAS_READ = "personas:read"
    ADMIN = "admin"


class KeyFileError(Exception):
    """The file of keys cannot be used; the message names the fix."""


class Key(BaseModel):
    """`digest` is the SHA-256 of what its holder sends: 256 random bits need no slow hash."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    digest: str
    scopes: frozenset[Scope]
    created_at: datetime

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes


_KEYS = TypeAdapter(tuple[Key, ...])
_SENT = re.compile(r"parley_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)


class KeyFile:
    """Read for every request, so that one that is revoked opens nothing from then on."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Sequence[Key]:
        """Raises `KeyFileError`."""
        try:
            return _KEYS.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return ()
        except (OSError, ValidationError) as error:
            raise KeyFileError(
                f"{self._path} cannot be read ({type(error).__name__}): mend its rights, "
                "or remove it and make new keys by `parley web key new`"
            ) from error

    def holder(self, sent: str) -> Key | None:
        """Whose key it is. Raises `KeyFileError`."""
        if not (form := _SENT.fullmatch(sent)):
            return None
        digest = _digest(sent)
        for key in self.read():
            if key.id == form[1] and hmac.compare_digest(key.digest, digest):
                return key
        return None

    def new(self, name: str, scopes: frozenset[Scope], now: datetime) -> tuple[Key, str]:
        """The key, and what its holder sends, which nobody can tell again.

        Raises `KeyFileError`.
        """
        id_ = secrets.token_hex(6)
        sent = f"parley_{id_}_{secrets.token_urlsafe(32)}"
        key = Key(id=id_, name=name, digest=_digest(sent), scopes=scopes, created_at=now)
        with self._changing():
            self._write((*self.read(), key))
        return key, sent

    def revoke(self, id_: str) -> bool:
        """False: there is none. Raises `KeyFileError`."""
        with self._changing():
            before = self.read()
            after = tuple(key for key in before if key.id != id_)
            if len(after) == len(before):
                return False
            self._write(after)
        return True

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.with_suffix(".lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise KeyFileError(f"{self._path} cannot be written: {error.strerror}") from error

    def _write(self, keys: Sequence[Key]) -> None:
        draft = self._path.with_suffix(".tmp")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with open(handle, "wb") as file:
            file.write(_KEYS.dump_json(tuple(keys), indent=1))
        draft.replace(self._path)


def _digest(sent: str) -> str:
    return hashlib.sha256(sent.encode()).hexdigest()
