"""Looking up and booking in a calendar's file."""

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from agent.tools.calendar import Book, Booking
from agent.tools.guard import ToolFailure
from agent.tools.timetable import Timetable
from tests.agent.tools.scene import ToolScene, use
from tests.fakes.virtual_time import on_virtual_time

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 23)
EVERY_DAY = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TIMETABLE = Timetable(BERLIN, {"monday": ["09:00-11:00"]}, timedelta(minutes=30), 90)
CALENDAR = {"type": "calendar", "timezone": "Europe/Berlin"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calendar.yaml"


def book_at(path: Path) -> Book:
    return Book(path, TIMETABLE, lambda: NOW)


def wanted(time: str, name: str = "Ann Lee", day: date = MONDAY) -> Booking:
    return Booking(day=day, time=time, name=name)


def test_a_booked_time_is_written_and_no_longer_free(path: Path) -> None:
    book = book_at(path)
    assert book.book(wanted("09:30")) == {
        "status": "booked",
        "day": "2026-11-23",
        "time": "09:30",
    }
    assert book_at(path).free(MONDAY) == {
        "day": "2026-11-23",
        "weekday": "monday",
        "free": ["09:00", "10:00", "10:30"],
    }
    (held,) = yaml.safe_load(path.read_text())["appointments"]
    assert held["name"] == "Ann Lee"
    assert held["start"] == "2026-11-23 09:30:00+01:00"
    assert held["end"] == "2026-11-23 10:00:00+01:00"


@pytest.mark.parametrize("time", ["09:15", "11:00", "08:30", "23:59", "99:99"])
def test_a_time_that_was_not_offered_is_not_booked(path: Path, time: str) -> None:
    with pytest.raises(ToolFailure) as caught:
        book_at(path).book(wanted(time))
    assert caught.value.kind == "not_free"
    assert not path.exists()


def test_a_day_that_may_not_be_booked_is_said_to_be_such(path: Path) -> None:
    answer = book_at(path).free(date(2026, 11, 16))
    assert answer["free"] == []
    assert "past" in str(answer["why"])


def test_of_two_who_want_the_same_time_at_once_one_gets_it(path: Path) -> None:
    """The second comes while the first looks at the calendar, and has to wait for it."""
    outcomes: list[str] = []

    def want(book: Book) -> None:
        try:
            book.book(wanted("09:00"))
            outcomes.append("booked")
        except ToolFailure as failure:
            outcomes.append(failure.kind)

    second = threading.Thread(target=want, args=(book_at(path),))

    def interrupted_clock() -> datetime:
        second.start()
        second.join(0.2)
        return NOW

    want(Book(path, TIMETABLE, interrupted_clock))
    second.join()
    assert outcomes == ["booked", "not_free"]
    assert len(yaml.safe_load(path.read_text())["appointments"]) == 1


def test_what_people_wrote_is_respected_and_kept(path: Path) -> None:
    path.write_text(
        "appointments:\n"
        "- {start: 2026-11-23 10:00, end: 2026-11-23 11:00, name: Bob, note: lunch}\n"
        "- {start: 2026-11-23T08:00:00Z, end: 2026-11-23T08:30:00Z}\n"
    )
    book = book_at(path)
    assert book.free(MONDAY)["free"] == ["09:30"]
    book.book(wanted("09:30"))
    held = yaml.safe_load(path.read_text())["appointments"]
    assert [one["name"] for one in held] == ["", "Ann Lee", "Bob"]
    assert held[2]["note"] == "lunch"
    assert book.free(MONDAY)["free"] == []


BAD = ["appointments: [", "appointments:\n- {start: soon, end: later}\n", "[]", "appontments: []"]
BAD.append("appointments:\n- {start: 2026-11-23 10:00, end: 2026-11-23 09:00}\n")


@pytest.mark.parametrize("text", BAD)
def test_a_file_that_cannot_be_read_stops_bookings_and_stays(path: Path, text: str) -> None:
    path.write_text(text)

    @on_virtual_time
    async def call() -> None:
        hours = {day: ["00:00-23:30"] for day in EVERY_DAY}
        tools = [CALENDAR | {"file": path.name, "hours": hours}]
        today = datetime.now(BERLIN).date() + timedelta(days=1)
        booking = use("book_appointment", day=str(today), time="09:00", name="Ann")
        async with ToolScene(tools, [booking], folder=path.parent) as scene:
            await scene.session.generate_reply(user_input="Tomorrow at nine.")
            assert scene.results()[0]["error"] == "failed"
            assert scene.said()[-1] == "Done."

    call()
    assert path.read_text() == text


def test_a_model_finds_a_time_and_books_it(path: Path) -> None:
    tomorrow = str(datetime.now(BERLIN).date() + timedelta(days=1))

    @on_virtual_time
    async def call() -> None:
        hours = {day: ["09:00-10:00"] for day in EVERY_DAY}
        uses = [
            use("find_free_times", day=tomorrow),
            use("book_appointment", day=tomorrow, time="09:30", name="Ann", slots=2),
            use("book_appointment", day=tomorrow, time="09:30", name="Ann"),
        ]
        tools = [CALENDAR | {"file": path.name, "hours": hours}]
        async with ToolScene(tools, uses, folder=path.parent) as scene:
            await scene.session.generate_reply(user_input="Tomorrow at half past nine.")
            found, refused, booked = scene.results()
            assert found["free"] == ["09:00", "09:30"]
            assert refused["error"] == "bad_arguments"
            assert booked["status"] == "booked"

    call()
    assert len(yaml.safe_load(path.read_text())["appointments"]) == 1
