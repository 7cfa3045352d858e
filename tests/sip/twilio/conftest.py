import pytest

from tests.sip.twilio.lines import NUMBER, SECOND
from tests.sip.twilio.mock import MockTwilio


@pytest.fixture
def twilio() -> MockTwilio:
    """An account with two numbers and nothing else."""
    mock = MockTwilio()
    mock.owns(NUMBER)
    mock.owns(SECOND)
    return mock
