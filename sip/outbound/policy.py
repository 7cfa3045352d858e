"""Whom we may call, from which number and when. Pure: the one place that says no."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from sip.line import Line
from sip.numbers import Kind, Number, classify, country_of
from sip.outbound.hours import Hours


class Rule(StrEnum):
    """In the order in which they are asked."""

    EMERGENCY = "emergency"
    SHORT = "short_number"
    FORMAT = "format"
    PREMIUM = "premium_rate"
    COUNTRY = "country"
    DO_NOT_CALL = "do_not_call"
    CALLER_ID = "caller_id"
    HOURS = "hours"
    MONEY = "money"
    TOO_OFTEN = "too_often"


@dataclass(frozen=True)
class Refusal:
    """`reason` names the fix and no number. `until` is when HOURS or MONEY refuse no more."""

    rule: Rule
    reason: str
    until: datetime | None = None


_OF_KIND = {
    Kind.EMERGENCY: Refusal(Rule.EMERGENCY, "an emergency number is never dialled"),
    Kind.SHORT: Refusal(
        Rule.SHORT,
        "a short number is never dialled: give it with its country code, as +12025550123",
    ),
    Kind.INVALID: Refusal(
        Rule.FORMAT, "no number in use anywhere: give it in international form, as +12025550123"
    ),
    Kind.PREMIUM: Refusal(
        Rule.PREMIUM, "a number at a special rate is never dialled: call an ordinary one"
    ),
}


@dataclass(frozen=True)
class Policy:
    """A line's rules. Numbers are E.164, countries ISO 3166 alpha-2."""

    own: frozenset[str]
    countries: frozenset[str]
    do_not_call: frozenset[str] = frozenset()
    hours: Hours | None = None

    @classmethod
    def of(cls, line: Line, do_not_call: Collection[str] = ()) -> Self:
        """Raises `hours.NoZoneError`."""
        own = frozenset(each.number for each in line.numbers)
        ours = {country for number in own if (country := country_of(number))}
        return cls(
            own=own,
            countries=frozenset(line.outbound.allowed_countries) or frozenset(ours),
            do_not_call=frozenset(do_not_call),
            hours=Hours.of(line.outbound.hours) if line.outbound.hours else None,
        )

    def refusal(self, to: str, from_: str, now: datetime) -> Refusal | None:
        """Why `from_` may not call `to` now, by the first rule that says so."""
        number = classify(to)
        return (
            _OF_KIND.get(number.kind)
            or self._of_country(number)
            or self._of_list(number)
            or self._of_caller(from_)
            or self._of_hours(now)
        )

    def next_open(self, now: datetime) -> datetime:
        """`now`, or when the calling hours begin."""
        return self.hours.next_open(now) if self.hours else now

    def _of_country(self, number: Number) -> Refusal | None:
        if number.country in self.countries:
            return None
        country = number.country or "no country"
        return Refusal(
            Rule.COUNTRY,
            f"{country} is not called: add it to outbound.allowed_countries of sip.yaml "
            f"(now {', '.join(sorted(self.countries)) or 'none'})",
        )

    def _of_list(self, number: Number) -> Refusal | None:
        if number.e164 not in self.do_not_call:
            return None
        return Refusal(
            Rule.DO_NOT_CALL,
            "the number asked not to be called: it is in the file outbound.do_not_call",
        )

    def _of_caller(self, from_: str) -> Refusal | None:
        if from_ in self.own:
            return None
        return Refusal(
            Rule.CALLER_ID, "--from is none of our numbers: name one of numbers in sip.yaml"
        )

    def _of_hours(self, now: datetime) -> Refusal | None:
        opens = self.next_open(now)
        if self.hours is None or opens <= now:
            return None
        local = opens.astimezone(self.hours.zone)
        return Refusal(
            Rule.HOURS,
            f"outside the calling hours: wait until {local:%a %Y-%m-%d %H:%M} "
            f"{self.hours.zone.key}, or change outbound.hours of sip.yaml",
            opens,
        )
