"""Whether a call is let in. Pure: what is counted, and what time it is, are passed in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agent.admission.policy import Admission, Busy, Otherwise

ANONYMOUS = "anonymous"
BUSY = Busy()

Reason = Literal[
    "the caller is denied",
    "the caller is not allowed",
    "the caller calls too often",
    "closed",
    "the day's minutes are used up",
    "full",
    "the persona is full",
    "the owner's server refuses",
]


@dataclass(frozen=True)
class Counts:
    """What the ledger knows, this call left out. `at_once` and `of_persona` are of calls that began
    before it: of two that come together the earlier one is let in."""

    at_once: int = 0
    of_persona: int = 0
    of_caller_in_hour: int = 0
    minutes_today: float = 0.0


@dataclass(frozen=True)
class Refused:
    """What becomes of the call instead. The reason is for the record, not for the caller."""

    reason: Reason
    otherwise: Otherwise = BUSY


def decide(
    policy: Admission, *, persona: str, caller: str | None, counts: Counts, now: datetime
) -> Refused | None:
    """None: it is let in. `caller` is E.164, or None where it is hidden."""
    return next(_refusals(policy, persona, caller, counts, now), None)


def _refusals(
    policy: Admission, persona: str, caller: str | None, counts: Counts, now: datetime
) -> Iterator[Refused]:
    """The first is the one that counts: who is denied learns nothing of hours and room."""
    who = caller or ANONYMOUS
    if who.startswith(policy.denied_callers):
        yield Refused("the caller is denied")
    if policy.allowed_callers and not who.startswith(policy.allowed_callers):
        yield Refused("the caller is not allowed")
    if caller and _reached(policy.calls_per_hour_of_caller, counts.of_caller_in_hour):
        yield Refused("the caller calls too often")
    if not policy.hours.open_at(now):
        yield Refused("closed", policy.when_closed)
    if _reached(policy.minutes_per_day, counts.minutes_today):
        yield Refused("the day's minutes are used up", policy.when_full)
    if _reached(policy.max_calls, counts.at_once):
        yield Refused("full", policy.when_full)
    if _reached(policy.max_calls_of_persona.get(persona), counts.of_persona):
        yield Refused("the persona is full", policy.when_full)


def _reached(limit: float | None, counted: float) -> bool:
    return limit is not None and counted >= limit
