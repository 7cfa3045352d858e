"""Recordings go to the bucket when they are whole; a bucket that takes none loses nothing."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from ledger.bucket import Bucket, BucketPlace, NoObjectError
from ledger.database import open_ledger
from ledger.erasure import erase_call
from ledger.recordings import Shelf
from ledger.tables import CallRow
from parley.cli import app
from parley.recordings import EVERY, LONGEST, Courier, shelf_of
from parley.settings import BadSettingsError, Settings
from tests.fakes.bucket import bucket_server, make
from tests.ledger.rows import call_row, call_values

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SOUND = bytes(range(256)) * 40
NUMBER = "+15550142424"


@pytest.fixture(scope="module")
def server() -> Iterator[BucketPlace]:
    with bucket_server() as place:
        yield place


@dataclass
class Rig:
    engine: Engine
    folder: Path
    bucket: Bucket

    def courier(self, bucket: Bucket | None = None) -> Courier:
        return Courier(self.engine, Shelf(self.folder, bucket or self.bucket), lambda: NOW)

    def recorded(self, call_id: str = "c1", **values: object) -> Path:
        """A call that has been over for a minute, and its file."""
        file = self.folder / f"{call_id}.ogg"
        file.write_bytes(SOUND)
        over = {"ended_at": NOW - timedelta(minutes=1), "outcome": "answered"}
        row = CallRow(**call_values(call_id, recording=str(file), **(over | values)))
        with Session(self.engine) as session, session.begin():
            session.add(row)
        return file

    def named(self, call_id: str = "c1") -> str:
        return call_row(self.engine, call_id).recording or ""

    def held(self, url: str) -> bytes | None:
        """What the bucket has."""
        try:
            return b"".join(self.bucket.get(url).pieces)
        except NoObjectError:
            return None


@pytest.fixture
def rig(tmp_path: Path, server: BucketPlace) -> Iterator[Rig]:
    (tmp_path / "recordings").mkdir()
    engine = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    place = replace(server, prefix=f"{tmp_path.name}/")
    yield Rig(engine, tmp_path / "recordings", Bucket(place))
    engine.dispose()


async def test_a_whole_recording_goes_and_its_call_names_the_object(rig: Rig) -> None:
    file = rig.recorded()
    assert await rig.courier().go() == EVERY
    assert rig.named() == rig.bucket.url("c1.ogg")
    assert rig.held(rig.named()) == SOUND
    assert not file.exists()


async def test_what_is_not_ready_stays(rig: Rig) -> None:
    goes_on = rig.recorded("on", ended_at=None, outcome=None)
    just_over = rig.recorded("just", ended_at=NOW - timedelta(seconds=1))
    part = rig.folder / "c9.ogg.part"
    part.write_bytes(SOUND)
    with Session(rig.engine) as session, session.begin():
        over = {"ended_at": NOW - timedelta(hours=1), "outcome": "answered"}
        session.add(CallRow(**call_values("far", recording="/elsewhere/far.ogg", **over)))
    await rig.courier().go()
    assert goes_on.exists()
    assert just_over.exists()
    assert part.exists()
    assert rig.named("far") == "/elsewhere/far.ogg"


async def test_a_bucket_that_takes_nothing_loses_nothing_and_is_said_once(
    rig: Rig, server: BucketPlace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="parley.recordings")
    files = [rig.recorded(each) for each in ("c1", "c2")]
    place = replace(server, name=f"late-{rig.folder.parent.name}"[:60].lower().replace("_", "-"))
    courier = rig.courier(Bucket(place))
    waits = [await courier.go() for _ in range(10)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST
    assert all(file.exists() for file in files)
    make(place)
    assert await courier.go() == EVERY
    assert not any(file.exists() for file in files)
    said = [record.getMessage() for record in caplog.records if record.name == "parley.recordings"]
    assert said == [
        "recordings stay here: they are brought later",
        "the bucket takes recordings again",
    ]


async def test_a_server_that_is_away_is_asked_for_one_file_only(
    rig: Rig, server: BucketPlace
) -> None:
    files = [rig.recorded(each) for each in ("c1", "c2")]
    away = Bucket(replace(server, endpoint="http://127.0.0.1:9"))
    assert await rig.courier(away).go() > EVERY
    assert all(file.exists() for file in files)


async def test_who_was_killed_between_the_row_and_the_file_leaves_nothing(rig: Rig) -> None:
    file = rig.recorded()
    await rig.courier().go()
    file.write_bytes(SOUND)  # as if it had not been removed
    other = rig.folder / "unknown.ogg"
    other.write_bytes(SOUND)
    Shelf(rig.folder, rig.bucket).tidy(rig.engine)
    assert not file.exists()
    assert other.exists()


def test_a_call_that_was_erased_while_its_sound_was_on_its_way_leaves_no_object(rig: Rig) -> None:
    file = rig.recorded()
    erase_call(rig.engine, "c1")
    Shelf(rig.folder, rig.bucket).send(rig.engine, "c1", file)
    assert rig.held(rig.bucket.url("c1.ogg")) is None
    assert not file.exists()


async def test_an_object_that_cannot_be_removed_now_is_removed_later(
    rig: Rig, server: BucketPlace
) -> None:
    rig.recorded()
    await rig.courier().go()
    url = rig.named()
    away = Bucket(replace(server, endpoint="http://127.0.0.1:9"))
    assert Shelf(rig.folder, away).remove(url)
    assert rig.held(url) == SOUND
    await rig.courier().go()
    assert rig.held(url) is None
    assert not list(rig.folder.iterdir())


async def test_to_erase_a_caller_removes_the_objects(
    rig: Rig, server: BucketPlace, tmp_path: Path
) -> None:
    rig.recorded()
    await rig.courier().go()
    url = rig.named()
    rig.engine.dispose()
    (tmp_path / "env").touch()
    given = {
        "PARLEY_ENV_FILE": str(tmp_path / "env"),
        "PARLEY_RUN_DIR": str(tmp_path),
        "PARLEY_BUCKET": server.name,
        "PARLEY_BUCKET_ENDPOINT": server.endpoint or "",
        "PARLEY_BUCKET_ACCESS_KEY": "tester",
        "PARLEY_BUCKET_SECRET_KEY": "not-a-secret",
        "PARLEY_SIP_USERNAME": "caller",
        "PARLEY_SIP_PASSWORD": "0123456789ab",
        "PARLEY_ENGINE_KEY": "0123456789abcdef",
        "LIVEKIT_API_KEY": "APItest",
        "LIVEKIT_API_SECRET": "0123456789abcdef0123456789abcdef",
    }
    ran = CliRunner().invoke(app, ["calls", "delete", "--caller", NUMBER, "--yes"], env=given)
    assert ran.exit_code == 0, ran.output
    assert rig.held(url) is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"PARLEY_BUCKET_ACCESS_KEY": "k"}, "go together"),
        ({"PARLEY_BUCKET": "no bucket!"}, "PARLEY_BUCKET"),
        ({"PARLEY_BUCKET_ENDPOINT": "s3.example.com"}, "PARLEY_BUCKET_ENDPOINT"),
    ],
)
def test_settings_that_cannot_be_used_are_named(wrong: dict[str, str], says: str) -> None:
    given = {
        "PARLEY_SIP_USERNAME": "caller",
        "PARLEY_SIP_PASSWORD": "0123456789ab",
        "PARLEY_ENGINE_KEY": "0123456789abcdef",
        "LIVEKIT_API_KEY": "APItest",
        "LIVEKIT_API_SECRET": "0123456789abcdef0123456789abcdef",
    }
    with pytest.raises(BadSettingsError, match=says):
        shelf_of(Settings.load(given | wrong))
