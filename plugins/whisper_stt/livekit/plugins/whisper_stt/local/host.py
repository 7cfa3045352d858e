"""Runs an engine until nobody uses it: `python -P host.py FOLDER LINGER LOCK`.

A program of its own, of the standard library alone: the engine's process is to load nothing of
LiveKit. `LOCK` is an inherited descriptor whose lock says that an engine runs, until it ends.
"""

import fcntl
import json
import os
import runpy
import secrets
import signal
import socket
import sys
import threading
import time
from pathlib import Path

USERS = "users"
"""File on which each user holds a shared lock; an engine that stops holds it alone."""
ADDRESS = "engine.json"
"""File with `url` and `key` of the engine that runs."""

LOOK_SECONDS = 1.0
STOP_SECONDS = 15.0
"""After which an engine that does not stop is ended."""
LOG_BYTES = 1 << 20
"""The log of an engine that runs for long starts afresh when it has grown to this."""


def main() -> None:
    folder, linger, lock = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    # What the engine starts must not keep the lock when the engine ends.
    os.set_inheritable(lock, False)
    threading.Thread(target=_stop_when_unused, args=(folder, linger), daemon=True).start()
    key = secrets.token_urlsafe(32)
    port = _free_port()
    os.environ |= {
        "WHISPER_LISTEN__HOST": "127.0.0.1",
        "WHISPER_LISTEN__PORT": str(port),
        "WHISPER_LISTEN__KEY": key,
    }
    _publish(folder / ADDRESS, {"url": f"http://127.0.0.1:{port}", "key": key})
    sys.argv = ["whisper_engine", "serve"]
    runpy.run_module("whisper_engine", run_name="__main__", alter_sys=True)


def _stop_when_unused(folder: Path, linger: float) -> None:
    users = os.open(folder / USERS, os.O_RDWR | os.O_CREAT, 0o600)
    look = min(LOOK_SECONDS, linger)
    unused_since: float | None = None
    while True:
        time.sleep(look)
        _bound_log()
        now = time.monotonic()
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            unused_since = None
            continue
        unused_since = now if unused_since is None else unused_since
        if now - unused_since >= linger:
            break
        fcntl.flock(users, fcntl.LOCK_UN)
    # The lock is kept: who comes now waits for the end and then starts an engine of its own.
    (folder / ADDRESS).unlink(missing_ok=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)


def _bound_log() -> None:
    if os.fstat(sys.stderr.fileno()).st_size > LOG_BYTES:
        os.ftruncate(sys.stderr.fileno(), 0)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _publish(path: Path, content: dict[str, str]) -> None:
    """Whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.touch(0o600)
    draft.write_text(json.dumps(content))
    draft.replace(path)


if __name__ == "__main__":
    main()
