"""What came of an attempt, and whether there is another."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.call import Outcome
from sip.line import Outbound
from sip.outbound.result import ANSWERED, Result, again_at, of_sip

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULES = Outbound(attempts=3, retry_after_seconds=60)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (486, Outcome.BUSY),
        (600, Outcome.BUSY),
        (408, Outcome.NO_ANSWER),
        (480, Outcome.NO_ANSWER),
        (487, Outcome.NO_ANSWER),
        (603, Outcome.DECLINED),
        (607, Outcome.DECLINED),
        (401, Outcome.FAILED),
        (403, Outcome.FAILED),
        (404, Outcome.FAILED),
        (488, Outcome.FAILED),
        (503, Outcome.FAILED),
        (699, Outcome.FAILED),
    ],
)
def test_each_sip_code_is_one_outcome_with_code_and_words(code: int, outcome: Outcome) -> None:
    result = of_sip(code, "Some Phrase")
    assert (result.outcome, result.sip_code, result.placed) == (outcome, code, True)
    assert f"{code} Some Phrase" in result.words


@pytest.mark.parametrize(
    ("result", "attempts", "again"),
    [
        (of_sip(486), 1, True),
        (of_sip(486), 2, True),
        (of_sip(486), 3, False),
        (of_sip(480), 1, True),
        (of_sip(603), 1, False),
        (of_sip(503), 1, False),
        (ANSWERED, 1, False),
        (Result(Outcome.FAILED, words="no worker", placed=False), 2, True),
        (Result(Outcome.FAILED, words="no worker", placed=False), 3, False),
    ],
)
def test_who_is_busy_or_away_is_called_again_as_often_as_the_line_says(
    result: Result, attempts: int, again: bool
) -> None:
    wanted = NOW + timedelta(seconds=60) if again else None
    assert again_at(result, attempts, NOW, RULES) == wanted
