import json

import pytest

from sip.simulate.report import CallReport, Report, TurnReport, missing_words


def turn(reply_s: float | None = 0.7, **other: object) -> TurnReport:
    return TurnReport.model_validate(
        {"said": "hello", "heard": "hello", "reply": "Good day.", "reply_s": reply_s, **other}
    )


def answered(*turns: TurnReport, ring: float = 0.9, gaps: int | None = 0) -> CallReport:
    return CallReport(answered=True, ring_to_answer_s=ring, turns=turns, gaps_over_60ms=gaps)


def test_the_object_has_what_programs_are_promised() -> None:
    report = Report.of([answered(turn(0.6), turn(0.8, barge_in_silence_s=0.9))])
    written = json.loads(report.model_dump_json())
    assert written["answered"] is True
    assert written["ring_to_answer_s"] == 0.9
    assert [each["reply_s"] for each in written["turns"]] == [0.6, 0.8]
    assert set(written["turns"][0]) >= {"said", "heard", "reply_s"}
    assert written["reply_s"] == {"p50": 0.7, "p95": 0.79}
    assert written["barge_in_silence_s"] == {"p50": 0.9, "p95": 0.9}
    assert written["gaps_over_60ms"] == 0


def test_calls_at_once_are_reported_together() -> None:
    report = Report.of([answered(turn(), ring=0.8, gaps=1), answered(turn(), ring=1.2, gaps=2)])
    assert (report.ring_to_answer_s, report.gaps_over_60ms, len(report.turns)) == (1.2, 3, 2)
    assert report.problems == ()
    assert report.verdict().startswith("good: 2 call(s)")


def test_gaps_are_unknown_where_the_room_was_not_overheard() -> None:
    assert Report.of([answered(turn(), gaps=None)]).gaps_over_60ms is None


def test_one_unanswered_call_fails_the_run() -> None:
    report = Report.of([answered(turn()), CallReport(answered=False, failure="SIP 486 Busy")])
    assert not report.answered
    assert report.verdict() == "FAILED: the call was not answered: SIP 486 Busy"


def test_a_turn_without_its_reply_fails_the_run_and_is_named() -> None:
    report = Report.of([answered(turn(), turn(None, problems=("no reply", "and more")))])
    assert report.verdict() == "FAILED: turn 2 ('hello'): no reply (and 1 more)"
    assert report.reply_s.p50 == 0.7


def test_the_table_has_a_line_for_each_turn_and_the_figures_below() -> None:
    table = Report.of([answered(turn(0.61), turn(None, heard=None, reply=""))]).table()
    assert "0.61 s" in table
    assert "hello → (unknown) → (nothing)" in table
    assert "ring to answer" in table


@pytest.mark.parametrize(
    ("reply", "wanted", "missing"),
    [
        ("We open at Nine.", ["nine", "open"], []),
        ("ninety", ["nine"], ["nine"]),
        ("I can't help.", ["can't"], []),
        ("", ["nine"], ["nine"]),
        ("half past ten", ["half past"], []),
    ],
)
def test_words_are_looked_for_whole_and_in_any_case(
    reply: str, wanted: list[str], missing: list[str]
) -> None:
    assert missing_words(reply, wanted) == missing
