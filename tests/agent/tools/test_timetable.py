"""Free times of a day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.tools.timetable import Span, Timetable

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 23)
EARLY = datetime(2026, 11, 20, tzinfo=UTC)


def table(*hours: str, day: str = "monday", minutes: int = 30) -> Timetable:
    return Timetable(BERLIN, {day: hours}, timedelta(minutes=minutes), 90)


def at(clock: str, day: date = MONDAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=BERLIN)


def times(spans: Sequence[Span]) -> list[str]:
    return [span.start.strftime("%H:%M") for span in spans]


def test_slots_fit_into_the_hours() -> None:
    assert times(table("09:00-10:15", "13:00-13:30").free(MONDAY, [], EARLY)) == [
        "09:00",
        "09:30",
        "13:00",
    ]


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        (("09:00", "09:30"), ["09:30", "10:00", "10:30"]),
        (("09:15", "09:45"), ["10:00", "10:30"]),
        (("08:00", "10:01"), ["10:30"]),
        (("09:30", "09:31"), ["09:00", "10:00", "10:30"]),
        (("07:00", "09:00"), ["09:00", "09:30", "10:00", "10:30"]),
        (("00:00", "23:59"), []),
    ],
)
def test_a_taken_time_is_not_free_in_any_part(taken: tuple[str, str], free: list[str]) -> None:
    span = Span(at(taken[0]), at(taken[1]))
    assert times(table("09:00-11:00").free(MONDAY, [span], EARLY)) == free


def test_a_time_taken_in_another_zone_is_taken() -> None:
    taken = Span(datetime(2026, 11, 23, 8, 0, tzinfo=UTC), datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    assert times(table("09:00-11:00").free(MONDAY, [taken], EARLY)) == ["10:00", "10:30"]


def test_the_past_is_not_free() -> None:
    assert times(table("09:00-11:00").free(MONDAY, [], at("09:30"))) == ["10:00", "10:30"]
    assert table("09:00-11:00").free(MONDAY, [], at("09:30", date(2026, 11, 24))) == []


def test_a_day_too_far_ahead_or_closed_is_not_free() -> None:
    assert table("09:00-11:00").free(date(2027, 3, 1), [], EARLY) == []
    assert table("09:00-11:00").free(date(2026, 11, 24), [], EARLY) == []


def test_today_is_that_of_the_calendar() -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # half past midnight on Monday in Berlin
    assert table("09:00-11:00").may_be_booked(MONDAY, late)
    assert not table("09:00-11:00").may_be_booked(date(2026, 11, 22), late)


def test_an_hour_that_the_clocks_leave_out_is_not_offered() -> None:
    spring = date(2026, 3, 29)  # 02:00 is followed by 03:00
    offered = table("01:00-04:00", day="sunday", minutes=60).free(spring, [], at("00:00", spring))
    assert times(offered) == ["01:00", "03:00"]


def test_an_hour_that_comes_twice_is_offered_once_and_lasts_as_long() -> None:
    autumn = date(2026, 10, 25)  # 03:00 is followed by 02:00
    offered = table("01:00-04:00", day="sunday", minutes=60).free(autumn, [], at("00:00", autumn))
    assert times(offered) == ["01:00", "02:00", "03:00"]
    assert all(span.end - span.start.astimezone(UTC) == timedelta(hours=1) for span in offered)
