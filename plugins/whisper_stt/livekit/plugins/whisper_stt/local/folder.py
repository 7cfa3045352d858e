"""Where the processes of one user meet: files, locks and how an engine is started."""

import fcntl
import hashlib
import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from livekit.plugins.whisper_stt.local.host import ADDRESS, USERS
from livekit.plugins.whisper_stt.socket import Address
from livekit.plugins.whisper_stt.version import __version__
from pydantic import BaseModel, ValidationError

RUNNING = "running"
"""File that an engine has locked for as long as it runs."""
LOG = "engine.log"
_GOODBYE = "Application startup failed"
"""What uvicorn says after the reason."""
_HOST = Path(__file__).with_name("host.py")
_OWN = ("WHISPER_LISTEN__HOST", "WHISPER_LISTEN__PORT", "WHISPER_LISTEN__KEY")
"""Settings that a local engine chooses by itself."""

_started: list[subprocess.Popen[bytes]] = []
"""Engines that this process started: they outlive what started them, and must be waited for."""


class _Published(BaseModel):
    url: str
    key: str


def settings_of(model: str, device: str | None, environment: Mapping[str, str]) -> dict[str, str]:
    """The engine's settings: those of the environment, but for the model and where it listens."""
    settings = {
        name: value
        for name, value in environment.items()
        if _is_setting(name) and name.upper() not in _OWN
    }
    # A folder's name means another folder to a process that stands elsewhere.
    is_folder = os.sep in model and Path(model).is_dir()
    settings["WHISPER_MODEL"] = str(Path(model).resolve()) if is_folder else model
    if device is not None:
        settings["WHISPER_DEVICE"] = device
    return settings


def _is_setting(name: str) -> bool:
    """Engines take them in small letters too."""
    return name.upper().startswith("WHISPER_")


class Folder:
    """Of one engine: one for each user of the machine, Python environment and set of settings.

    Raises OSError for a folder that cannot be made, or that others may read or write.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = dict(settings)
        same = json.dumps([sys.prefix, __version__, sorted(self._settings.items())])
        name = hashlib.sha256(same.encode()).hexdigest()[:16]
        self.path = _private(_private(_root()) / name)
        self.log = self.path / LOG

    def lease(self) -> int | None:
        """A descriptor that keeps the engine until it is closed; None while one is stopping."""
        return _locked(self.path / USERS, fcntl.LOCK_SH)

    def vacancy(self) -> int | None:
        """A descriptor that lets its holder start an engine; None while one runs."""
        return _locked(self.path / RUNNING, fcntl.LOCK_EX)

    def start(self, vacancy: int, linger: float) -> subprocess.Popen[bytes]:
        """Start an engine that takes the vacancy with it. It stops `linger` s after its last user."""
        _started[:] = [process for process in _started if process.poll() is None]
        (self.path / ADDRESS).unlink(missing_ok=True)
        others = {n: v for n, v in os.environ.items() if not _is_setting(n)}
        self.log.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        log = os.open(self.log, flags, 0o600)
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", str(_HOST), str(self.path), str(linger), str(vacancy)],
                env=others | self._settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(vacancy,),
                # Ctrl-C is for its users: it ends after them.
                start_new_session=True,
            )
        finally:
            os.close(log)
        _started.append(process)
        return process

    def address(self) -> Address | None:
        """Of the engine that runs, once it has said so."""
        try:
            published = _Published.model_validate_json((self.path / ADDRESS).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        return Address(published.url, published.key)

    def last_words(self) -> str:
        """The last line of the engine's log that says something."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        telling = [line for line in lines if line.strip() and _GOODBYE not in line]
        return telling[-1].removeprefix("ERROR:").strip() if telling else "it said nothing"


def _root() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "whisper_stt"
    return Path(tempfile.gettempdir()) / f"whisper_stt-{os.getuid()}"


def _private(path: Path) -> Path:
    """A folder of this user alone, made if need be. In /tmp another user may have been first."""
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(
            f"{path} must be a folder that only this user may enter: remove it, "
            "or set XDG_RUNTIME_DIR to one"
        )
    return path


def _locked(path: Path, kind: int) -> int | None:
    """An open descriptor with the lock; None if others hold it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
