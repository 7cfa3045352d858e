import json
import logging

import pytest

from agent.privacy import keep_callers_out_of_logs

NUMBER = "+15550142424"


class Lines(logging.Handler):
    """What a JSON log would hold."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.dumps(vars(record), default=str))


@pytest.fixture
def lines() -> Lines:
    handler = Lines()
    keep_callers_out_of_logs([handler])
    return handler


@pytest.mark.parametrize(
    "extra",
    [
        {"lk.pii.participant_identity": f"sip_{NUMBER}"},
        {"participant": f"sip_{NUMBER}"},
        {"pii": {"number": NUMBER}},
        {"text_sent": f"Shall I call {NUMBER}?"},
    ],
)
def test_no_key_of_a_record_names_the_caller(lines: Lines, extra: dict[str, object]) -> None:
    logger = logging.Logger("calls")  # noqa: LOG001  # of its own, so that nobody else hears it
    logger.addHandler(lines)
    logger.warning("a caller came", extra=extra | {"call_id": "SCL_1"})
    assert NUMBER not in lines.lines[0]
    assert "SCL_1" in lines.lines[0]
