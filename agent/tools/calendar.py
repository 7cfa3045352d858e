"""Appointments in a YAML file: free times and bookings, nobody's time given twice.

The file holds `appointments`: a list of `start`, `end` (ISO 8601; without an offset, in the
calendar's zone), `name` and `note`. People may write in it too; one that cannot be read stops
bookings, and loses nothing. Comments are lost with the next booking.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo

import yaml
from livekit.agents import RunContext
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from agent.tools.files import locked, replace
from agent.tools.guard import Arguments, ToolFailure, Work, in_thread
from agent.tools.kinds import Calendar
from agent.tools.timetable import DAYS, Span, Timetable
from agent.yaml_file import BadFileError, read_yaml

LIMIT = 5.0
"""Seconds for a look-up or a booking."""

Moment = Annotated[datetime, PlainSerializer(lambda moment: moment.isoformat(sep=" "))]


class Appointment(BaseModel):
    model_config = ConfigDict(extra="forbid")

    start: Moment
    end: Moment
    name: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if (self.start.tzinfo is None) != (self.end.tzinfo is None) or self.start >= self.end:
            raise ValueError("must end after it starts, in the same way of writing")
        return self


class CalendarFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    appointments: list[Appointment] = []


class DayWanted(Arguments):
    day: date = Field(description="As YYYY-MM-DD.")


class Booking(Arguments):
    day: date = Field(description="As YYYY-MM-DD.")
    time: str = Field(pattern=r"^\d\d:\d\d$", description="One of the day's free times, as HH:MM.")
    name: str = Field(min_length=1, max_length=200, description="Whose appointment it is.")
    note: str = Field("", max_length=500, description="What it is for.")


class Book:
    """One calendar, on disk; each step has the file for itself. Blocking."""

    def __init__(self, path: Path, timetable: Timetable, clock: Callable[[], datetime]) -> None:
        self._path = path
        self._timetable = timetable
        self._clock = clock

    def free(self, day: date) -> dict[str, object]:
        now = self._clock()
        with locked(self._path):
            taken = self._taken(self._read())
        times = [slot.start.strftime("%H:%M") for slot in self._timetable.free(day, taken, now)]
        answer: dict[str, object] = {
            "day": day.isoformat(),
            "weekday": DAYS[day.weekday()],
            "free": times,
        }
        if not self._timetable.may_be_booked(day, now):
            answer["why"] = "This day is past, or too far ahead."
        return answer

    def book(self, wanted: Booking) -> dict[str, object]:
        """Raises `ToolFailure` for a time that is not free."""
        with locked(self._path):
            held = self._read()
            free = self._timetable.free(wanted.day, self._taken(held), self._clock())
            slot = next((s for s in free if s.start.strftime("%H:%M") == wanted.time), None)
            if slot is None:
                raise ToolFailure("not_free", "This time is not free. Look for free times again.")
            end = slot.end.astimezone(slot.start.tzinfo)
            mine = Appointment(start=slot.start, end=end, name=wanted.name, note=wanted.note)
            held.appointments.append(mine)
            held.appointments.sort(key=lambda one: self._aware(one.start))
            text = yaml.safe_dump(held.model_dump(), allow_unicode=True, sort_keys=False)
            replace(self._path, text)
        return {"status": "booked", "day": wanted.day.isoformat(), "time": wanted.time}

    def _taken(self, held: CalendarFile) -> list[Span]:
        return [Span(self._aware(one.start), self._aware(one.end)) for one in held.appointments]

    def _aware(self, moment: datetime) -> datetime:
        return moment if moment.tzinfo else moment.replace(tzinfo=self._timetable.zone)

    def _read(self) -> CalendarFile:
        if not self._path.exists() or not self._path.stat().st_size:
            return CalendarFile()
        return read_yaml(self._path, CalendarFile)


def keeping(declared: Calendar, folder: Path, clock: Callable[[], datetime]) -> list[Work]:
    zone = ZoneInfo(declared.timezone)
    slot = timedelta(minutes=declared.slot_minutes)
    hours = {str(day): spans for day, spans in declared.hours.items()}
    timetable = Timetable(zone, hours, slot, declared.days_ahead)
    book = Book(folder / declared.file, timetable, clock)
    today = clock().astimezone(zone)

    async def find(_: RunContext[None], wanted: DayWanted) -> object:
        return await in_thread(_readable, lambda: book.free(wanted.day))

    async def enter(_: RunContext[None], wanted: Booking) -> object:
        return await in_thread(_readable, lambda: book.book(wanted))

    return [
        Work(
            "find_free_times",
            f"Free times for an appointment on a day. Today is {DAYS[today.weekday()]}, "
            f"{today.date().isoformat()}.",
            DayWanted,
            find,
            limit=LIMIT,
        ),
        Work(
            "book_appointment",
            "Book a free time, once the caller has agreed to day, time and name.",
            Booking,
            enter,
            limit=LIMIT,
        ),
    ]


def _readable(step: Callable[[], object]) -> object:
    try:
        return step()
    except BadFileError as error:
        raise ToolFailure(
            "failed", "The calendar cannot be read. Offer to take a message."
        ) from error
