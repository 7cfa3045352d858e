"""When people may be called. Pure: `now` is passed in, with its zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sip.line import CallingHours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK = len(DAYS)


class NoZoneError(ValueError):
    """The time zone's name is not known; the message names the fix."""


@dataclass(frozen=True)
class Hours:
    """From `opens` until `closes` on `days` (0 is Monday), on the clocks of `zone`.

    One that closes before it opens is open over midnight, from the day named.
    """

    days: frozenset[int]
    opens: time
    closes: time
    zone: ZoneInfo

    @classmethod
    def of(cls, hours: CallingHours) -> Self:
        """Raises NoZoneError."""
        first, _, last = hours.days.partition("-")
        start = DAYS.index(first)
        length = (DAYS.index(last or first) - start) % WEEK + 1
        return cls(
            days=frozenset((start + day) % WEEK for day in range(length)),
            opens=time.fromisoformat(hours.opens),
            closes=time.fromisoformat(hours.closes),
            zone=_zone(hours.timezone),
        )

    def next_open(self, now: datetime) -> datetime:
        """`now`, if people may be called now; else when they may."""
        for opens, closes in self._windows(now.astimezone(self.zone).date()):
            if now < closes:
                return max(now, opens)
        raise AssertionError("a week without a day")

    def _windows(self, today: date) -> Iterator[tuple[datetime, datetime]]:
        """Those around `today`, in order. Compared as moments: clocks are put forward and back."""
        over_midnight = timedelta(days=1 if self.closes <= self.opens else 0)
        for offset in range(-1, WEEK + 1):
            day = today + timedelta(days=offset)
            if day.weekday() in self.days:
                yield self._moment(day, self.opens), self._moment(day + over_midnight, self.closes)

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NoZoneError(
            f"outbound.hours.timezone: there is no {name!r}: name it as in Europe/Berlin"
        ) from None
