"""Who is let in, by every bound there is."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from agent.admission import Admission, Busy, Counts, HandOver, Refused, Take, decide

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NOBODY = Counts()
OVERFLOW = {"do": "transfer", "to": "+15550199"}
MACHINE = {"do": "persona", "persona": "answering-machine"}


def admitted(
    policy: dict[str, object],
    counts: Counts = NOBODY,
    caller: str | None = "+15550123",
    now: datetime = MONDAY,
) -> Refused | None:
    wanted = Admission.model_validate(policy)
    return decide(wanted, persona="receptionist", caller=caller, counts=counts, now=now)


def test_without_bounds_everybody_is_let_in() -> None:
    crowd = Counts(at_once=500, of_persona=500, of_caller_in_hour=500, minutes_today=1e6)
    assert admitted({}, crowd) is None
    assert admitted({}, caller=None) is None


@pytest.mark.parametrize(
    ("policy", "counts", "reason"),
    [
        ({"max_calls": 3}, Counts(at_once=3), "full"),
        (
            {"max_calls_of_persona": {"receptionist": 2, "other": 0}},
            Counts(at_once=9, of_persona=2),
            "the persona is full",
        ),
        (
            {"calls_per_hour_of_caller": 4},
            Counts(of_caller_in_hour=4),
            "the caller calls too often",
        ),
        ({"minutes_per_day": 60}, Counts(minutes_today=60.0), "the day's minutes are used up"),
    ],
)
def test_a_bound_that_is_reached_refuses_and_one_call_less_does_not(
    policy: dict[str, object], counts: Counts, reason: str
) -> None:
    refused = admitted(policy, counts)
    assert refused is not None
    assert refused.reason == reason
    assert refused.otherwise == Busy()
    less = {name: value - 1 for name, value in vars(counts).items() if value}
    assert admitted(policy, replace(counts, **less)) is None


def test_what_becomes_of_the_others_is_the_owners_word() -> None:
    full = {"max_calls": 0, "when_full": OVERFLOW, "when_closed": MACHINE}
    closed = full | {"hours": {"holidays": ["2026-11-23"]}}
    assert admitted(full) == Refused("full", HandOver(do="transfer", to="+15550199"))
    assert admitted(closed) == Refused("closed", Take(do="persona", persona="answering-machine"))


def test_lists_of_callers_are_of_numbers_and_of_what_they_begin_with() -> None:
    assert admitted({"denied_callers": ["+1555"]}) == Refused("the caller is denied")
    assert admitted({"denied_callers": ["+1556"]}) is None
    assert admitted({"allowed_callers": ["+15550123"]}) is None
    assert admitted({"allowed_callers": ["+49"]}) == Refused("the caller is not allowed")
    assert admitted({"allowed_callers": ["+49"]}, caller=None) is not None
    assert admitted({"denied_callers": ["anonymous"]}, caller=None) is not None
    assert admitted({"denied_callers": ["anonymous"]}) is None


def test_one_who_is_denied_never_gets_the_overflow_number() -> None:
    policy = {"denied_callers": ["+1555"], "max_calls": 0, "when_full": OVERFLOW}
    assert admitted(policy) == Refused("the caller is denied", Busy())


BERLIN = {
    "timezone": "Europe/Berlin",
    "week": {"mon": ["09:00-12:30", "14:00-18:00"], "fri": ["22:00-24:00"]},
    "holidays": ["2026-12-25"],
}


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-23T08:00+00:00", True),  # 9:00 there
        ("2026-11-23T07:59+00:00", False),
        ("2026-11-23T11:30+00:00", False),  # 12:30 there, the end is no part
        ("2026-11-23T13:00+00:00", True),
        ("2026-11-24T10:00+00:00", False),  # a day that is not named
        ("2026-11-27T22:59+00:00", True),  # 23:59 there
        ("2026-11-27T23:00+00:00", False),
        ("2026-07-06T07:00+00:00", True),  # summer time: 9:00 there
        ("2026-12-25T22:30+00:00", False),  # a Friday, and a holiday
    ],
)
def test_hours_are_those_of_the_place(at: str, *, is_open: bool) -> None:
    refused = admitted({"hours": BERLIN}, now=datetime.fromisoformat(at))
    assert (refused is None) == is_open
    assert refused in {None, Refused("closed")}


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ({"hours": {"week": {"mon": ["9-17"]}}}, "09:00-17:30"),
        ({"hours": {"week": {"mon": ["17:00-09:00"]}}}, "ends before it begins"),
        ({"hours": {"week": {"monday": ["09:00-17:00"]}}}, "mon"),
        ({"hours": {"timezone": "Berlin"}}, "Europe/Berlin is one"),
        ({"when_full": {"do": "transfer", "to": "911"}}, "pattern"),
        ({"when_full": {"do": "voicemail"}}, "busy"),
        ({"denied_callers": ["0301234"]}, "pattern"),
        ({"max_call": 3}, "Extra inputs"),
    ],
)
def test_a_wrong_policy_is_refused_with_what_is_wrong(policy: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Admission.model_validate(policy)


def test_a_day_begins_at_midnight_of_the_place() -> None:
    policy = Admission.model_validate({"hours": {"timezone": "Europe/Berlin"}})
    began = policy.day_began(datetime(2026, 11, 23, 23, 30, tzinfo=UTC))
    assert began == datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
