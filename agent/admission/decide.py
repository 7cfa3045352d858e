"""Whether a call is let in. Pure: what is counted, and what time it is, are passed in."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from agent.admission.policy import Admission, Busy, Choice, HandOver, Queue, Take, without_queue

if TYPE_CHECKING:  # commands that read a policy need no database
    from ledger.counts import Counted

ANONYMOUS = "anonymous"
BUSY = Busy()

Reason = Literal[
    "the caller is denied",
    "the caller is not allowed",
    "the caller calls too often",
    "closed",
    "the day's minutes are used up",
    "the day's money is used up",
    "full",
    "the persona is full",
    "the engines are full",
    "the wait was too long",
    "the owner's server refuses",
]

WAITED: Reason = "the wait was too long"
UNKNOWN: Reason = "the owner's server refuses"

REFUSED = "refused: "
"""Before the reason, as the end of a call stands in the ledger."""

ROOM: frozenset[Reason] = frozenset(
    {
        "the day's minutes are used up",
        "the day's money is used up",
        "full",
        "the persona is full",
        "the engines are full",
        WAITED,
    }
)
"""What refuses whoever calls: `when_full` says what becomes of them."""


@dataclass(frozen=True)
class Counts:
    """What is known of other calls. `at_once` and `of_persona` are places that are taken, or will be
    by those who wait and came before; of two that come together the earlier one is let in. `ahead`
    are the callers who wait for the same, `before` those of them for whom there is room now."""

    at_once: int = 0
    of_persona: int = 0
    ahead: int = 0
    before: int = 0
    of_caller_in_hour: int = 0
    minutes_today: float = 0.0
    money_today: float = 0.0
    engines_are_full: bool = False


@dataclass(frozen=True)
class Refused:
    """What becomes of the call instead. The reason is for the record, not for the caller.

    `position` is the caller's place in a queue, from 1.
    """

    reason: Reason
    otherwise: Choice = BUSY
    position: int = 0


def decide(
    policy: Admission, *, persona: str, caller: str | None, counts: Counts, now: datetime
) -> Refused | None:
    """None: it is let in. `caller` is E.164, or None where it is hidden."""
    return next(_refusals(policy, persona, caller, counts, now), None)


def standing(policy: Admission, persona: str, counted: "Counted") -> Counts:
    """Where one who asks for `persona` stands. Of those who wait, each who finds room goes first."""
    taken = Counter(counted.taken)
    left: Counter[str] = Counter()
    for each in counted.ahead:
        queue = left if _shortage(policy, each, taken.total(), taken[each]) else taken
        queue[each] += 1
    before = len(counted.ahead) - left.total()
    everybody = _reached(policy.max_calls, taken.total())
    return Counts(
        at_once=taken.total(),
        of_persona=taken[persona],
        ahead=len(counted.ahead) if everybody else before + left[persona],
        before=before,
        of_caller_in_hour=counted.of_caller,
        minutes_today=counted.spent.minutes,
        money_today=policy.prices.of_day(counted.spent),
    )


def position(policy: Admission, persona: str, counts: Counts) -> int:
    """Of one who waits, from 1; 0: there is a place for them. Those before them take theirs first."""
    short = _shortage(policy, persona, counts.at_once, counts.of_persona)
    return counts.ahead + 1 if short or counts.before else 0


def is_denied(policy: Admission, caller: str | None) -> bool:
    """Whoever else is let in."""
    return next(_of_caller(policy, caller), None) is not None


def overflow_number(policy: Admission, refused: str | None, caller: str | None) -> str | None:
    """Whom the telephone company calls instead, if anybody. `refused` is the reason; None: nobody
    answered."""
    if is_denied(policy, caller):
        return None
    if refused == "closed":
        choice: Choice = policy.when_closed
    elif refused is None or refused in ROOM:
        choice = without_queue(policy.when_full)
    else:
        return None
    return choice.to if isinstance(choice, HandOver) else None


def overflow_numbers(policy: Admission) -> frozenset[str]:
    """All that the telephone company may be asked to call instead."""
    choices = (without_queue(policy.when_full), policy.when_closed)
    return frozenset(each.to for each in choices if isinstance(each, HandOver))


def _refusals(
    policy: Admission, persona: str, caller: str | None, counts: Counts, now: datetime
) -> Iterator[Refused]:
    """The first is the one that counts: who is denied learns nothing of hours and room."""
    yield from _of_caller(policy, caller)
    if caller and _reached(policy.calls_per_hour_of_caller, counts.of_caller_in_hour):
        yield Refused("the caller calls too often")
    if not policy.hours.open_at(now):
        yield Refused("closed", policy.when_closed)
    today = without_queue(policy.when_full)
    if _reached(policy.minutes_per_day, counts.minutes_today):
        yield Refused("the day's minutes are used up", today)
    if _reached(policy.money_per_day, counts.money_today):
        yield Refused("the day's money is used up", today)
    if short := _shortage(policy, persona, counts.at_once, counts.of_persona):
        yield _waiting(Refused(short, policy.when_full), counts)
    if counts.engines_are_full:
        yield _waiting(Refused("the engines are full", _without_engines(policy.when_full)), counts)


def _of_caller(policy: Admission, caller: str | None) -> Iterator[Refused]:
    who = caller or ANONYMOUS
    if who.startswith(policy.denied_callers):
        yield Refused("the caller is denied")
    if policy.allowed_callers and not who.startswith(policy.allowed_callers):
        yield Refused("the caller is not allowed")


def _shortage(policy: Admission, persona: str, at_once: int, of_persona: int) -> Reason | None:
    if _reached(policy.max_calls, at_once):
        return "full"
    if _reached(policy.max_calls_of_persona.get(persona), of_persona):
        return "the persona is full"
    return None


def _waiting(refused: Refused, counts: Counts) -> Refused:
    """With the place in the queue, if there is one and it is not too long."""
    if not isinstance(queue := refused.otherwise, Queue):
        return refused
    if counts.ahead >= queue.max_length:
        return replace(refused, otherwise=queue.then)
    return replace(refused, position=counts.ahead + 1)


def _without_engines(choice: Choice) -> Choice:
    """Another persona would have nothing to hear and speak with either."""
    return BUSY if isinstance(choice, Take) else choice


def _reached(limit: float | None, counted: float) -> bool:
    return limit is not None and counted >= limit
