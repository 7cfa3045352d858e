"""/v1/overview: what came of the calls, by day, and how much room the engines have."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator

from ledger.figures import Figures, percentile, total
from web.server.access import Reader
from web.server.desk import Desk, TheDesk
from web.server.engines import EngineLoad
from web.server.errors import ApiError, documented
from web.server.wanted import written_out

router = APIRouter(prefix="/v1", tags=["overview"])

USUAL = 14
"""Days, if none are asked for."""

MOST = 92


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # as `zoneinfo` says it, a folder of its own included
        raise ValueError("no time zone has that name: Europe/Berlin, UTC") from None


Zone = Annotated[str, Query(max_length=64), AfterValidator(lambda name: _zone(name).key)]
Day = Annotated[date, BeforeValidator(written_out)]


class Spread(BaseModel):
    """Seconds."""

    p50: float
    p95: float


class DayView(BaseModel):
    """Of the calls that began then. `answer_rate` is of those that are over, 0 to 1; `latency` by
    part, of the replies of some of that day's answered calls."""

    day: date | None
    calls: int
    inbound: int
    over: int
    answered: int
    answer_rate: float | None
    outcomes: dict[str, int]
    interruptions: int
    failures: int
    latency: dict[str, Spread]


class Overview(BaseModel):
    """`total` is of all `days`, of which there is one each, the oldest first."""

    zone: str
    today: DayView
    total: DayView
    days: list[DayView]
    engines: list[EngineLoad]


@router.get("/overview", responses=documented())
async def overview(  # noqa: PLR0917  # FastAPI calls it by name
    desk: TheDesk,
    key: Reader,
    from_: Annotated[Day | None, Query(alias="from", description="The first day.")] = None,
    to: Annotated[Day | None, Query(description="The last day; today.")] = None,
    zone: Zone = "UTC",
    tests: Annotated[bool, Query(description="Also calls from the test room.")] = False,
) -> Overview:
    """Counts and latencies by day of the zone."""
    here = ZoneInfo(zone)
    today = desk.now().astimezone(here).date()
    last = to or today
    first = from_ or last - min(timedelta(USUAL - 1), last - date.min)
    if not first <= last or last - first >= timedelta(MOST) or last.year not in range(1970, 9000):
        message = f"query.from: a day before `to`, and {MOST} days at most"
        raise ApiError(422, "invalid", message)
    days = list(_days(first, last))
    async with asyncio.TaskGroup() as tasks:
        loads = tasks.create_task(desk.engines.look())
        read = tasks.create_task(asyncio.to_thread(_read, desk, [*days, today], here, tests))
    *figures, of_today = read.result()
    return Overview(
        zone=zone,
        today=_shown(today, of_today),
        total=_shown(None, total(figures)),
        days=[_shown(day, each) for day, each in zip(days, figures, strict=True)],
        engines=loads.result(),
    )


def _days(first: date, last: date) -> Iterator[date]:
    for n in range((last - first).days + 1):
        yield first + timedelta(n)


def _read(desk: Desk, days: Sequence[date], zone: ZoneInfo, tests: bool) -> list[Figures]:
    known: dict[date, Figures] = {}
    for day in days:
        if day not in known:
            since, until = _midnight(day, zone), _midnight(day + timedelta(1), zone)
            known[day] = desk.remembered.figures(
                desk.engine, since, until, tests=tests, now=desk.now()
            )
    return [known[day] for day in days]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _shown(day: date | None, figures: Figures) -> DayView:
    return DayView(
        day=day,
        calls=figures.calls,
        inbound=figures.inbound,
        over=figures.over,
        answered=figures.answered,
        answer_rate=figures.answer_rate,
        outcomes=dict(figures.outcomes),
        interruptions=figures.interruptions,
        failures=figures.failures,
        latency={
            part: Spread(p50=percentile(values, 0.5) or 0.0, p95=percentile(values, 0.95) or 0.0)
            for part, values in figures.took.items()
        },
    )
