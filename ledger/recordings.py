"""Where the sound of calls lies: in a folder, and from there, where there is one, in a bucket.

The spool is the ledger itself: a call's row names a file of the folder until the bucket has it whole,
the object from then on, and the file goes last. Whatever is killed in between is done again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from ledger.bucket import SCHEME, Bucket, BucketError
from ledger.tables import CallRow

SOUNDS = {".ogg": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav"}
"""Media types."""

SETTLED = timedelta(seconds=10)
"""After its end a call's row is changed by its worker no more."""

DOOMED = ".erase"
"""Ends the name of a note, in the folder, of an object that shall be removed."""


@dataclass(frozen=True)
class Shelf:
    folder: Path
    bucket: Bucket | None = None

    def file(self, recording: str | None) -> Path | None:
        """Only what lies in the folder: a path in a database is no permission to read it."""
        if recording is None or recording.startswith(SCHEME):
            return None
        file = Path(recording).resolve()
        inside = file.is_relative_to(self.folder.resolve())
        return file if inside and file.suffix in SOUNDS and file.is_file() else None

    def remove(self, recording: str) -> bool:
        """False: it lies elsewhere. An object whose bucket cannot be asked now is noted for `sweep`."""
        if recording.startswith(SCHEME):
            return self._remove_object(recording)
        file = self.file(recording)
        if file is not None:
            file.unlink(missing_ok=True)
        return file is not None

    def sweep(self) -> None:
        """Remove the objects that could not be removed before. Raises `BucketError`."""
        if self.bucket is None:
            return
        for note in sorted(self.folder.glob(f"*{DOOMED}")):
            self.bucket.remove(note.read_text(encoding="utf-8"))
            note.unlink(missing_ok=True)

    def waiting(self, engine: Engine, now: datetime) -> Sequence[tuple[str, Path]]:
        """Calls that are over and their files, which the bucket shall have; the oldest first."""
        here = CallRow.recording.startswith(f"{self.folder}/", autoescape=True)
        over = CallRow.ended_at < now - SETTLED
        wanted = select(CallRow.id, CallRow.recording).where(here, over).order_by(CallRow.ended_at)
        with Session(engine) as session:
            rows = session.execute(wanted).all()
        # As it stands in the row, by which it is found again.
        return [(key, Path(held)) for key, held in rows if held and self.file(held)]

    def send(self, engine: Engine, call_id: str, file: Path) -> None:
        """To the bucket; then the call names the object. Raises `BucketError` and `OSError`."""
        assert self.bucket is not None
        url = self.bucket.put(file, SOUNDS[file.suffix])
        if not _moved(engine, call_id, file, url):
            self.remove(url)  # erased meanwhile
        file.unlink(missing_ok=True)

    def tidy(self, engine: Engine) -> None:
        """Remove files that the bucket has and nobody names: who sent them was killed at the end."""
        if self.bucket is None or not self.folder.is_dir():
            return
        files = {self.bucket.url(file.name): file for file in self.folder.iterdir()}
        names = {url: file for url, file in files.items() if file.suffix in SOUNDS}
        with Session(engine) as session:
            for url, file in names.items():
                if session.scalar(select(CallRow.id).where(CallRow.recording == url)):
                    file.unlink(missing_ok=True)

    def _remove_object(self, url: str) -> bool:
        if self.bucket is None or not self.bucket.holds(url):
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        note = self.folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}{DOOMED}"
        note.write_text(url, encoding="utf-8")
        try:
            self.bucket.remove(url)
        except BucketError:
            return True
        note.unlink(missing_ok=True)
        return True


def _moved(engine: Engine, call_id: str, file: Path, url: str) -> bool:
    """False: there is no such call any more."""
    with Session(engine) as session, session.begin():
        session.execute(
            update(CallRow)
            .where(CallRow.id == call_id, CallRow.recording == str(file))
            .values(recording=url)
        )
        return session.scalar(select(CallRow.recording).where(CallRow.id == call_id)) == url
