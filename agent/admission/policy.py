"""Who is let in, and what becomes of the others: the part `admission` of `sip.yaml`."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from agent.admission.prices import Prices

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PersonaName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Target = Annotated[str, StringConstraints(pattern=r"^(\+[1-9]\d{6,14}|sips?:[^\s]{1,250})$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^\+\d{1,15}$|^anonymous$")]
"""A number, or what several begin with; `anonymous`: callers who hide theirs."""


Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
POSITION = "{position}"


def _span(text: str) -> str:
    opens, _, closes = text.partition("-")
    try:
        first, last = time.fromisoformat(opens), _end(closes)
    except ValueError:
        raise ValueError("hours are written as 09:00-17:30") from None
    if last is not None and first >= last:
        raise ValueError(f"{text}: ends before it begins; two spans make a night")
    return text


def _end(text: str) -> time | None:
    """None: midnight, the end of the day."""
    return None if text == "24:00" else time.fromisoformat(text)


Span = Annotated[str, AfterValidator(_span)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Busy(_Part):
    """The call is not answered: the caller hears a busy signal, and pays nothing."""

    do: Literal["busy"] = "busy"


class Take(_Part):
    """Another persona answers: one that takes a message, say."""

    do: Literal["persona"]
    persona: PersonaName


class HandOver(_Part):
    """The call is answered and handed over to a number at once."""

    do: Literal["transfer"]
    to: Target


Otherwise = Annotated[Busy | Take | HandOver, Field(discriminator="do")]


def _says_where(text: str) -> str:
    if POSITION not in text:
        raise ValueError(f"says the caller's place in the queue: {POSITION}")
    return text


class Queue(_Part):
    """The call is answered, and the caller waits for a place: who came first has the next one."""

    do: Literal["queue"]
    max_length: Annotated[int, Field(ge=1, le=1000)] = 10
    """Callers who wait; for further ones, `then`."""
    max_wait_seconds: Annotated[float, Field(ge=5, le=3600)] = 300.0
    """After that, `then`."""
    announcement: Annotated[Words, AfterValidator(_says_where)] = (
        f"All lines are taken. You are number {POSITION} in the queue."
    )
    announce_seconds: Annotated[float, Field(ge=5, le=600)] = 20.0
    """Between two announcements, at least; the next is made when the place has changed."""
    goodbye: Words = "Nobody is free now. Please call again later. Goodbye."
    """Before `then: {do: busy}`, which ends a call that is answered by now."""
    then: Otherwise = Busy()


Choice = Annotated[Busy | Take | HandOver | Queue, Field(discriminator="do")]
"""What becomes of who finds no room; for whom there is none whatever time passes, `Otherwise`."""


def without_queue(choice: Choice) -> Otherwise:
    """For whom waiting is of no use."""
    return choice.then if isinstance(choice, Queue) else choice


class CallStart(_Part):
    """A web server of the owner's that is asked about each caller who is let in."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]{1,480}$")]
    secret: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
    """Name of what signs the question: `AGENT_SECRET_NAME` in the environment."""


class Hours(_Part):
    """When somebody answers. A day that is not named is closed, if any is."""

    timezone: str = "UTC"
    week: dict[Day, tuple[Span, ...]] = Field(default_factory=dict)
    holidays: tuple[date, ...] = ()
    """Closed all day."""

    @model_validator(mode="after")
    def _zone_is_one(self) -> Self:
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"timezone: {self.timezone!r} is none; Europe/Berlin is one") from None
        return self

    def open_at(self, now: datetime) -> bool:
        """`now` has its zone."""
        there = now.astimezone(ZoneInfo(self.timezone))
        if there.date() in self.holidays:
            return False
        if not self.week:
            return True
        return any(_within(span, there.time()) for span in self.week.get(DAYS[there.weekday()], ()))


def _within(span: str, at: time) -> bool:
    opens, _, closes = span.partition("-")
    end = _end(closes)
    return time.fromisoformat(opens) <= at and (end is None or at < end)


class Admission(_Part):
    """Each bound is off if it is not given."""

    max_calls: Annotated[int, Field(ge=0)] | None = None
    """At once, on all workers that write one ledger."""
    max_calls_of_persona: dict[PersonaName, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict
    )
    when_full: Choice = Busy()
    hours: Hours = Hours()
    when_closed: Otherwise = Busy()
    allowed_callers: tuple[Prefix, ...] = ()
    """Nobody else, if any is given."""
    denied_callers: tuple[Prefix, ...] = ()
    calls_per_hour_of_caller: Annotated[int, Field(ge=1)] | None = None
    call_start: CallStart | None = None
    minutes_per_day: Annotated[float, Field(ge=0)] | None = None
    """Of all calls together, since midnight in the zone of `hours`."""
    money_per_day: Annotated[float, Field(ge=0)] | None = None
    """Of all calls, those that we place too, by `prices`. What is used up refuses both."""
    prices: Prices = Prices()
    calls_per_day_to_number: Annotated[int, Field(ge=1)] | None = None
    """Attempts to call one number within 24 hours; further ones are not placed."""

    @property
    def counts(self) -> bool:
        """Whether any bound needs other calls to be counted."""
        bounds = (
            self.max_calls,
            self.calls_per_hour_of_caller,
            self.minutes_per_day,
            self.money_per_day,
        )
        return bool(self.max_calls_of_persona) or any(bound is not None for bound in bounds)

    def day_began(self, now: datetime) -> datetime:
        there = now.astimezone(ZoneInfo(self.hours.timezone))
        return there.replace(hour=0, minute=0, second=0, microsecond=0)

    def day_ends(self, now: datetime) -> datetime:
        """By the clocks of the place, which may be put forward or back in between."""
        return self.day_began(now) + timedelta(days=1)

    @staticmethod
    def hour_ago(now: datetime) -> datetime:
        return now - timedelta(hours=1)
