"""Sound as it is heard: timed, and written down."""

import os
import sys
import time
import wave
from pathlib import Path

from csm_engine.audio import SAMPLE_BYTES
from csm_engine.cli.commands import STDIO
from csm_engine.cli.errors import CommandError
from csm_engine.protocol import SAMPLE_RATE


class Heard:
    """One text's sound; seconds count from `asked`."""

    def __init__(self, *, live: bool) -> None:
        """`live` sound goes to stdout as it comes."""
        self.pcm = bytearray()
        self.first: float | None = None
        self.lasted = 0.0
        self._live = live
        self._asked = time.perf_counter()

    def asked(self) -> None:
        self._asked = time.perf_counter()

    def take(self, pcm: bytes) -> None:
        """Raises CommandError when nobody reads it."""
        self.lasted = time.perf_counter() - self._asked
        if self.first is None:
            self.first = self.lasted
        self.pcm += pcm
        if self._live:
            _to_stdout(pcm)

    @property
    def seconds(self) -> float:
        return len(self.pcm) / (SAMPLE_RATE * SAMPLE_BYTES)


def check_writable(out: str) -> None:
    """Before anything is loaded. Raises CommandError."""
    path = Path(out)
    if out == STDIO:
        return
    if path.is_dir():
        raise CommandError(f"cannot write {out}: it is a folder, name a file in it")
    if not path.parent.is_dir():
        raise CommandError(f"cannot write {out}: there is no folder {path.parent}, make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CommandError(f"cannot write {out}: it is not yours to write, name another place")


def write_wav(out: str, pcm: bytes) -> None:
    """Raises CommandError."""
    try:
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(SAMPLE_BYTES)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(pcm)
    except OSError as error:
        raise CommandError(f"cannot write {out}: {error.strerror}") from error


def _to_stdout(pcm: bytes) -> None:
    try:
        sys.stdout.buffer.write(pcm)
        sys.stdout.buffer.flush()
    except OSError as error:
        # What is left in the buffer has nowhere to go: at the exit it would be tried again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError(f"cannot write to stdout: {error.strerror}") from error
