"""A part's log on its way to the file: lines without those who called."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

LineFilter = Callable[[str], str]

LONGEST = 64 * 1024
"""Bytes of a line that are kept; the rest of a longer one is dropped."""

_FIELD = re.compile(
    r'("(?:fromUser|toUser|reqUser|callTo|number|participantName|passwordHash|sip\.phoneNumber)"'
    r': ?)"(?:[^"\\]|\\.)+"'
)
_IDENTITY = re.compile(r'"sip_[^"]*"(?!\s*:)')
_NAME = re.compile(r'\\"[^"\\]{1,128}\\"(?=\s{0,3}<sips?:)')
_ADDRESS = re.compile(r'\b(sips?:)[^\s@;>"]{1,256}(?=@)')
_TELEPHONE = re.compile(r'\b(tel:)[^\s;>"]{1,256}')
_NUMBER = re.compile(r"(?<!call-_)(?:\+|%2B)\d{6,15}")


def without_callers(line: str) -> str:
    """The line with `…` for numbers, the users of SIP addresses, and names of people.

    In the shapes that livekit-server 1.13 and livekit-sip 1.8 write. Ids stay, and so do names of
    rooms, which hold the number that was called: by them a line is found beside the worker's.
    """
    line = _FIELD.sub(r'\1"…"', line)
    line = _IDENTITY.sub('"sip_…"', line)
    line = _NAME.sub('\\\\"…\\\\"', line)
    line = _ADDRESS.sub(r"\1…", line)
    line = _TELEPHONE.sub(r"\1…", line)
    return _NUMBER.sub("…", line)


class FilteredLog:
    """A pipe for a part to write into, and a thread that brings its lines to the file.

    The part waits only for the filter, never for a disk that is full: what cannot be written is
    dropped, and how many lines that were is said once there is room again. A thread, so that a disk that hangs holds up nobody but the part.
    """

    def __init__(self, file: Path, line_filter: LineFilter) -> None:
        self._file = file
        self._filter = line_filter
        self._dropped = 0
        self._source, self.sink = os.pipe()
        self._thread = threading.Thread(target=self._copy, name=f"log {file.stem}", daemon=True)
        self._thread.start()

    def close_sink(self) -> None:
        """Once the part has it: the log ends when the part's last process does."""
        os.close(self.sink)

    def join(self, patience: float) -> None:
        """Until all that the part has written is in the file, at most `patience` seconds."""
        self._thread.join(patience)

    def _copy(self) -> None:
        with open(self._source, "rb", buffering=0) as source:
            for line in _lines(lambda: source.read(LONGEST)):
                self._write(self._filtered(line))

    def _filtered(self, line: bytes) -> str:
        text = line.decode(errors="replace")
        try:
            return self._filter(text)
        except Exception:  # noqa: BLE001  an unread pipe would stop the part
            return "(a line that could not be filtered)"

    def _write(self, line: str) -> None:
        try:
            with self._file.open("a") as log:
                if self._dropped:
                    log.write(f"({self._dropped} lines could not be written)\n")
                log.write(f"{line}\n")
        except OSError:
            self._dropped += 1  # a full disk costs lines, not calls
        else:
            self._dropped = 0


def _lines(read: Callable[[], bytes]) -> Iterator[bytes]:
    """Whole lines without their ends; of a line that is too long, its beginning."""
    begun, too_long = b"", False
    while chunk := read():
        first, *others = chunk.split(b"\n")
        begun += first
        for other in others:
            if not too_long:
                yield begun[:LONGEST]
            begun, too_long = other, False
        if len(begun) >= LONGEST:
            if not too_long:
                yield begun[:LONGEST]
            begun, too_long = b"", True
    if begun and not too_long:
        yield begun
