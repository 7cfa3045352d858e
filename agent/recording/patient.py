"""A file that a full disk does not stop: what has no room waits in memory, in order."""

import errno
import logging
import os
from collections import deque
from pathlib import Path

logger = logging.getLogger(__name__)

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Of an OSError: the disk, one's share of it, or the longest file that one may have."""

MOST = 8 * 1024 * 1024
"""Bytes that wait: two minutes of stereo at 16 kHz, uncompressed."""


class PatientFile:
    """For an encoder to write into; ours alone. What waits is tried again at each write.

    `write` raises OSError when the disk fails otherwise, or more would wait than `most`: then the
    file has what came before, and is closed with the call's process.
    """

    def __init__(self, path: Path, most: int = MOST) -> None:
        """Raises OSError."""
        self._handle = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        self._most = most
        self._at = 0
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._waiting = 0
        self._is_full = False

    def write(self, data: bytes) -> int:
        piece = bytes(data)
        if self._waiting + len(piece) > self._most:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._pieces.append((self._at, piece))
        self._waiting += len(piece)
        self._at += len(piece)
        self.settle()
        return len(piece)

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """From the start, or from where it is: nobody looks for the end."""
        self._at = offset + (self._at if whence == os.SEEK_CUR else 0)
        return self._at

    def flush(self) -> None:
        """All that can be is written."""

    def settle(self) -> bool:
        """Write what waits. False: there is no room for all of it. Raises OSError."""
        while self._pieces:
            at, piece = self._pieces[0]
            try:
                written = os.pwrite(self._handle, piece, at)
            except OSError as error:
                if error.errno not in FULL:
                    raise
                self._tell(is_full=True)
                return False
            self._waiting -= written
            self._pieces.popleft()
            if written < len(piece):
                self._pieces.appendleft((at + written, piece[written:]))
        self._tell(is_full=False)
        return True

    def end(self) -> None:
        """On the disk for good. Raises OSError."""
        os.fsync(self._handle)
        os.close(self._handle)

    def _tell(self, *, is_full: bool) -> None:
        if is_full and not self._is_full:
            logger.error("the disk is full: a recording waits in memory")
        if self._is_full and not is_full:
            logger.info("a recording is written again")
        self._is_full = is_full
