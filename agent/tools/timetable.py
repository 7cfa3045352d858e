"""Which times are free, and which are taken. Pure; all times carry their zone.

Times that a change of clocks leaves out are not offered; of those that come twice, the first is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Span:
    start: datetime
    end: datetime

    def overlaps(self, other: "Span") -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Timetable:
    """`hours` has a day's opening times as `09:00-12:30`; `slot` is an appointment's length."""

    zone: ZoneInfo
    hours: Mapping[str, Sequence[str]]
    slot: timedelta
    days_ahead: int

    def slots(self, day: date) -> Iterator[Span]:
        """All of a day, free or not, in order."""
        for hours in self.hours.get(DAYS[day.weekday()], ()):
            opens, closes = (time.fromisoformat(edge) for edge in hours.split("-"))
            moment = datetime.combine(day, opens)
            while moment + self.slot <= datetime.combine(day, closes):
                start = moment.replace(tzinfo=self.zone)
                if _exists(start):
                    yield Span(start, start.astimezone(UTC) + self.slot)
                moment += self.slot

    def free(self, day: date, taken: Iterable[Span], now: datetime) -> list[Span]:
        """That one may still book."""
        busy = list(taken)
        if not self.may_be_booked(day, now):
            return []
        return [
            slot
            for slot in self.slots(day)
            if slot.start > now and not any(slot.overlaps(span) for span in busy)
        ]

    def may_be_booked(self, day: date, now: datetime) -> bool:
        today = now.astimezone(self.zone).date()
        return today <= day <= today + timedelta(days=self.days_ahead)


def _exists(moment: datetime) -> bool:
    return moment.astimezone(UTC).astimezone(moment.tzinfo).replace(fold=0) == moment
