"""What scenarios of calls that the agent places may say."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from agent.outbound.beep import BeepDetector
from parley.rehearse.ears import TONE, TONE_RATE, tone
from parley.rehearse.scenario import Scenario


def scenario(*turns: dict[str, Any], **more: Any) -> Scenario:
    base = {"name": "s", "goal": "g", "plays": "reminder", "checks": [{"outcome": "answered"}]}
    return Scenario.model_validate({**base, "turns": turns, **more})


@pytest.mark.parametrize("turn", [{"announce": "leave a message"}, {"beep": 0.5}])
def test_a_machine_is_called_and_does_not_call(turn: dict[str, Any]) -> None:
    assert scenario(turn, direction="outbound").turns
    with pytest.raises(ValidationError, match="say direction: outbound"):
        scenario(turn)


def test_a_machine_waits_for_no_word_of_the_agents() -> None:
    with pytest.raises(ValidationError, match="has its own time"):
        scenario({"announce": "leave a message", "after": 1.0}, direction="outbound")


def test_the_rehearsed_beep_is_one_to_whoever_listens() -> None:
    detector = BeepDetector(TONE_RATE)
    heard = [detector.hear(np.frombuffer(frame.data, np.int16)) for frame in tone(0.5)]
    (beep,) = [each for each in heard if each]
    assert beep.hertz == pytest.approx(TONE, abs=2)
