"""Who is let in, by every bound there is."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from agent.admission import Admission, Busy, Counts, HandOver, Queue, Refused, Take, decide
from agent.admission.decide import overflow_number, position, standing
from ledger.counts import Counted, Spent

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
        ({"money_per_day": 20}, Counts(money_today=20.0), "the day's money is used up"),
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
        ({"when_full": {"do": "queue", "announcement": "Please hold."}}, "{position}"),
        ({"when_full": {"do": "queue", "then": {"do": "queue"}}}, "busy"),
        ({"when_closed": {"do": "queue"}}, "busy"),
        ({"prices": {"line_minute": -1}}, "greater than or equal"),
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


QUEUE = {"do": "queue", "max_length": 2, "then": OVERFLOW}
ONE = Admission.model_validate({"max_calls": 1, "when_full": QUEUE})


def test_who_finds_no_room_waits_until_the_queue_is_full() -> None:
    refused = admitted({"max_calls": 3, "when_full": QUEUE}, Counts(at_once=3, ahead=1))
    assert refused == Refused("full", Queue.model_validate(QUEUE), position=2)
    refused = admitted({"max_calls": 3, "when_full": QUEUE}, Counts(at_once=3, ahead=2))
    assert refused == Refused("full", HandOver(do="transfer", to="+15550199"))


def test_nobody_waits_for_another_days_minutes_or_money() -> None:
    for policy, counts in (
        ({"minutes_per_day": 60}, Counts(minutes_today=60.0)),
        ({"money_per_day": 1}, Counts(money_today=1.0)),
    ):
        refused = admitted(policy | {"when_full": QUEUE}, counts)
        assert refused is not None
        assert isinstance(refused.otherwise, HandOver)


def test_engines_without_room_refuse_and_leave_no_other_persona_to_answer() -> None:
    crowd = Counts(engines_are_full=True)
    assert admitted({}, crowd) == Refused("the engines are full", Busy())
    assert admitted({"when_full": MACHINE}, crowd) == Refused("the engines are full", Busy())
    waits = admitted({"when_full": QUEUE}, crowd)
    assert waits is not None
    assert waits.position == 1


def counted(ahead: str = "", **taken: int) -> Counted:
    """`ahead` are the personas that others wait for, a letter each."""
    return Counted(Counter(taken), tuple(ahead), 0, Spent())


def stands(policy: Admission, persona: str, others: Counted) -> int:
    return position(policy, persona, standing(policy, persona, others))


def test_the_next_place_is_for_the_first_in_the_queue() -> None:
    assert stands(ONE, "a", counted(a=1)) == 1
    assert stands(ONE, "a", counted("aa", a=1)) == 3
    assert stands(ONE, "a", counted()) == 0
    assert stands(ONE, "a", counted("a")) == 2  # it is theirs as soon as they look
    two = ONE.model_copy(update={"max_calls": 2})
    assert stands(two, "a", counted("aa")) == 3
    assert stands(two, "a", counted("a")) == 2


def test_who_comes_finds_no_room_where_somebody_who_waits_will_take_it() -> None:
    two = ONE.model_copy(update={"max_calls": 2})
    for ahead, let_in in (("", True), ("a", True), ("aa", False)):
        counts = standing(two, "b", counted(ahead))
        assert (decide(two, persona="b", caller=None, counts=counts, now=MONDAY) is None) == let_in


def test_who_waits_for_a_persona_that_is_full_does_not_hold_up_others() -> None:
    policy = Admission.model_validate(
        {"max_calls": 3, "max_calls_of_persona": {"a": 1}, "when_full": QUEUE}
    )
    assert stands(policy, "b", counted("a", a=1)) == 0
    assert stands(policy, "a", counted("aab", a=1)) == 4
    assert stands(policy, "a", counted("a", a=1, b=1)) == 2


def test_money_is_counted_by_the_prices() -> None:
    policy = Admission.model_validate(
        {"prices": {"line_minute": 0.01, "hearing_minute": 0.1, "speaking_minute": 0.2}}
    )
    spent = Spent(minutes=100.0, cost=1.0, unpriced=10.0, heard=2.0, spoken=1.0)
    assert standing(policy, "a", Counted(Counter(), (), 0, spent)).money_today == pytest.approx(1.5)


def test_a_call_costs_its_line_and_what_was_used() -> None:
    prices = Admission.model_validate(
        {
            "prices": {
                "line_minute": 0.01,
                "hearing_minute": 0.006,
                "speaking_minute": 0.03,
                "thousand_tokens_read": 0.002,
                "thousand_tokens_written": 0.01,
            }
        }
    ).prices
    used = [
        {"type": "stt_usage", "audio_duration": 120.0},
        {"type": "tts_usage", "audio_duration": 60.0},
        {"type": "llm_usage", "input_tokens": 5000, "output_tokens": 1000},
        {"type": "eot_usage", "total_requests": 9},
    ]
    assert prices.of_call(180.0, used) == pytest.approx(0.03 + 0.012 + 0.03 + 0.01 + 0.01)


@pytest.mark.parametrize(
    ("refused", "number"),
    [
        (None, "+15550199"),  # nobody answered
        ("full", "+15550199"),
        ("the wait was too long", "+15550199"),
        ("closed", "+15550188"),
        ("the caller calls too often", None),
        ("the owner's server refuses", None),
    ],
)
def test_the_overflow_number_is_that_of_the_reason(refused: str | None, number: str | None) -> None:
    closed = {"do": "transfer", "to": "+15550188"}
    policy = Admission.model_validate(
        {"when_full": QUEUE, "when_closed": closed, "denied_callers": ["+1900"]}
    )
    assert overflow_number(policy, refused, "+15550123") == number
    assert overflow_number(policy, refused, "+19005550123") is None
