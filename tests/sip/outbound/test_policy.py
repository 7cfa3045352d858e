"""Whom we may call, and when."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.yaml_file import BadFileError
from sip.line import CallingHours, Line
from sip.numbers import Kind, classify, read_numbers
from sip.outbound.hours import DAYS, Hours, NoZoneError
from sip.outbound.policy import Policy, Rule

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""

OURS = "+12025550199"
THEIRS = "+12025550123"
LISTED = "+12025550177"


def line(**outbound: object) -> Line:
    return Line.model_validate(
        {
            "public_host": "sip.example.org",
            "domain": "example",
            "numbers": [{"number": OURS, "persona": "receptionist"}],
            "outbound": outbound,
        }
    )


def refused(to: str, policy: Policy, *, from_: str = OURS, now: datetime = NOW) -> str:
    """The rule, or nothing."""
    refusal = policy.refusal(to, from_, now)
    return str(refusal.rule) if refusal else ""


@pytest.mark.parametrize(
    ("to", "rule"),
    [
        (THEIRS, ""),
        ("+1 (202) 555-0123", ""),
        *((number, Rule.EMERGENCY) for number in ("911", "+911", "112", "+112", "110", "999")),
        *((number, Rule.EMERGENCY) for number in ("+1911", "+49112", "+44999", "+19116666666")),
        *((number, Rule.SHORT) for number in ("2273", "+49116117")),
        *((number, Rule.FORMAT) for number in ("", "+", "2025550123", "+1202555012", "+15550100")),
        *((number, Rule.FORMAT) for number in ("+1800FLOWERS", "+12025550123x9", "sip:a@b", "*67")),
        *(
            (number, Rule.FORMAT)
            for number in ("+١٢٠٢٥٥٥٠١٢٣", "+12025550123\n", "tel:+12025550123")
        ),
        ("+19005551234", Rule.PREMIUM),
        ("+15005550006", Rule.PREMIUM),
        ("+449098790123", Rule.PREMIUM),
        ("+447012345678", Rule.PREMIUM),
        ("+18765551234", Rule.COUNTRY),
        ("+4930123456", Rule.COUNTRY),
        ("+881612345678", Rule.COUNTRY),
        ("+80012345678", Rule.COUNTRY),
        (LISTED, Rule.DO_NOT_CALL),
        ("+1 202-555-0177", Rule.DO_NOT_CALL),
    ],
)
def test_each_number_meets_its_rule(to: str, rule: str) -> None:
    assert refused(to, Policy.of(line(), do_not_call={LISTED})) == rule


def test_countries_are_those_that_are_named_or_those_of_our_numbers() -> None:
    named = Policy.of(line(allowed_countries=["DE", "FR"]))
    assert refused("+4930123456", named) == ""
    assert refused("+33112345678", named) == "", "Paris: it begins with 112"
    assert refused(THEIRS, named) == Rule.COUNTRY


def test_we_call_from_our_own_numbers_alone() -> None:
    policy = Policy.of(line())
    assert refused(THEIRS, policy, from_=THEIRS) == Rule.CALLER_ID


def test_a_refusal_names_the_fix_and_never_the_number() -> None:
    policy = Policy.of(line(), do_not_call={LISTED})
    for to in ("911", "2273", "+15550100", "+19005551234", "+4930123456", LISTED):
        refusal = policy.refusal(to, OURS, NOW)
        assert refusal is not None
        assert to not in refusal.reason
    german = policy.refusal("+4930123456", OURS, NOW)
    assert german is not None
    assert "DE is not called: add it to outbound.allowed_countries" in german.reason


@pytest.mark.parametrize(
    ("hours", "now", "opens"),
    [
        ({}, "2026-03-02T08:59", "2026-03-02T09:00"),
        ({}, "2026-03-02T09:00", None),
        ({}, "2026-03-02T19:59:59", None),
        ({}, "2026-03-02T20:00", "2026-03-03T09:00"),
        ({}, "2026-03-07T20:00", "2026-03-09T09:00"),
        ({"days": "wed"}, "2026-03-04T20:00", "2026-03-11T09:00"),
        ({"days": "sat-mon"}, "2026-03-02T20:00", "2026-03-07T09:00"),
        ({"opens": "22:00", "closes": "02:00"}, "2026-03-08T01:59", None),
        ({"opens": "22:00", "closes": "02:00"}, "2026-03-08T22:30", "2026-03-09T22:00"),
        ({"opens": "00:00", "closes": "00:00"}, "2026-03-02T00:00", None),
        ({"timezone": "America/New_York"}, "2026-03-02T12:00", "2026-03-02T14:00"),
        ({"timezone": "America/New_York"}, "2026-03-09T12:59", "2026-03-09T13:00"),
    ],
)
def test_hours_on_the_lines_own_clock(hours: dict[str, str], now: str, opens: str | None) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    refusal = Policy.of(line(hours=hours)).refusal(THEIRS, OURS, moment)
    assert (refusal and refusal.rule) == (Rule.HOURS if opens else None)
    if refusal and opens:
        assert refusal.until == datetime.fromisoformat(opens).replace(tzinfo=UTC)


ZONES = ("UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
times = st.times().map(lambda each: each.strftime("%H:%M"))


@given(
    days=st.builds("{}-{}".format, st.sampled_from(DAYS), st.sampled_from(DAYS)),
    opens=times,
    closes=times,
    timezone=st.sampled_from(ZONES),
    now=st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  `timezones` gives it
)
def test_the_hours_next_begin_where_it_says(
    days: str, opens: str, closes: str, timezone: str, now: datetime
) -> None:
    hours = Hours.of(CallingHours(days=days, opens=opens, closes=closes, timezone=timezone))
    begin = hours.next_open(now)
    assert hours.next_open(begin) == begin
    assert now <= begin <= now + timedelta(days=9)
    if begin > now:
        just_before = begin - timedelta(seconds=1)
        assert hours.next_open(max(now, just_before)) == begin


def test_a_time_zone_that_is_not_there_is_named() -> None:
    with pytest.raises(NoZoneError, match="no 'Mars/Base': name it as in Europe/Berlin"):
        Policy.of(line(hours={"timezone": "Mars/Base"}))


@given(st.text() | st.from_regex(r"\+?[0-9 ().-]{1,20}"))
def test_anything_has_a_kind(text: str) -> None:
    number = classify(text)
    if number.kind in {Kind.ORDINARY, Kind.PREMIUM}:
        assert classify(number.e164) == number
        assert number.e164.startswith("+")
        assert 8 <= len(number.e164) <= 16
    else:
        assert refused(text, Policy.of(line())) != ""


def test_a_file_of_numbers(tmp_path: Path) -> None:
    file = tmp_path / "do-not-call.txt"
    file.write_text("# asked in May\n+1 202 555 0177\n\n+4930123456  # by letter\n")
    assert read_numbers(file) == {LISTED, "+4930123456"}


@pytest.mark.parametrize("bad", ["2025550177", "Ada", "+", "+999999999999"])
def test_a_line_that_is_no_number_is_named_by_its_place(tmp_path: Path, bad: str) -> None:
    file = tmp_path / "do-not-call.txt"
    file.write_text(f"{LISTED}\n{bad}\n")
    with pytest.raises(BadFileError, match=r"do-not-call.txt:2: no number in international form"):
        read_numbers(file)


def test_a_list_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="cannot be read"):
        read_numbers(tmp_path / "nowhere.txt")
