"""A disk of a few megabytes that a test may fill. It runs where one may mount a file system."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_FILLER = "filler"
_BLOCK = bytes(65_536)


class NoDiskError(Exception):
    """There can be none here; the message says why."""


@dataclass(frozen=True)
class SmallDisk:
    folder: Path

    def fill(self) -> None:
        """To the last byte."""
        for size in (len(_BLOCK), 4096, 1):
            with suppress(OSError), (self.folder / _FILLER).open("ab", buffering=0) as file:
                while file.write(_BLOCK[:size]) == size:
                    pass

    def free(self) -> None:
        (self.folder / _FILLER).unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """In `folder`, which is made, and gone afterwards. Raises NoDiskError."""
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(folder))
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoDiskError(f"there can be no small disk here: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True, capture_output=True)
