"""A caller told from an echo by how loud they are, with times and levels passed in."""

import pytest

from agent.barge_in.loudness import Loudness

FRAME = 0.02
AGENT = -20.0
"""dB under full scale, as all levels here."""


def power(level: float) -> float:
    return float(10 ** (level / 10))


class Call:
    """In frames of 20 ms; `speech` is what the voice detector takes for it."""

    def __init__(self) -> None:
        self.loudness, self.now = Loudness(), 0.0

    def hears(self, seconds: float, *, agent: float | None, caller: float) -> None:
        for _ in range(round(seconds / FRAME)):
            if agent is not None:
                self.loudness.played(power(agent), FRAME, self.now)
            self.loudness.heard(power(caller), FRAME, self.now)
            self.now += FRAME

    def speech(self, seconds: float, *, agent: float | None, caller: float) -> bool:
        """Whether its sound is too faint to interrupt."""
        self.loudness.began(self.now)
        self.hears(seconds, agent=agent, caller=caller)
        self.loudness.ended()
        return self.loudness.faint


@pytest.mark.parametrize("delay", [0.12, 0.6])
def test_an_echo_is_faint(delay: float) -> None:
    call = Call()
    call.hears(delay, agent=AGENT, caller=-70.0)
    assert call.speech(2.0, agent=AGENT, caller=AGENT - 25)


def test_the_echo_of_a_loud_word_is_one_still_when_the_next_is_soft() -> None:
    call = Call()
    call.hears(0.5, agent=AGENT, caller=-70.0)
    call.hears(0.6, agent=AGENT - 15, caller=-70.0)
    assert call.speech(0.4, agent=AGENT - 15, caller=AGENT - 25)


@pytest.mark.parametrize("level", [AGENT + 5, AGENT - 10, AGENT - 15])
def test_a_caller_is_not(level: float) -> None:
    call = Call()
    call.hears(1.0, agent=AGENT, caller=-70.0)
    assert not call.speech(0.5, agent=AGENT, caller=level)


def test_a_caller_under_an_echo_is_heard() -> None:
    call = Call()
    call.hears(0.5, agent=AGENT, caller=-70.0)
    call.loudness.began(call.now)
    call.hears(1.0, agent=AGENT, caller=AGENT - 25)
    assert call.loudness.faint
    call.hears(0.3, agent=AGENT, caller=AGENT)
    assert not call.loudness.faint


def test_who_is_always_faint_is_no_echo_once_they_have_spoken() -> None:
    call = Call()
    for _ in range(4):
        call.speech(1.0, agent=None, caller=-46.0)
        call.hears(1.0, agent=None, caller=-70.0)
    call.hears(2.0, agent=AGENT, caller=-70.0)
    assert not call.speech(0.5, agent=AGENT, caller=-46.0)


def test_an_echo_right_after_the_callers_words_is_not_told_from_them() -> None:
    call = Call()
    call.hears(1.0, agent=AGENT, caller=-70.0)
    call.speech(0.5, agent=AGENT, caller=AGENT)
    call.hears(0.3, agent=AGENT, caller=-70.0)
    assert not call.speech(0.2, agent=AGENT, caller=AGENT - 25)
    call.hears(0.8, agent=AGENT, caller=-70.0)
    assert call.speech(0.2, agent=AGENT, caller=AGENT - 25)


def test_what_is_heard_long_after_is_no_echo() -> None:
    call = Call()
    call.hears(0.5, agent=AGENT, caller=-70.0)
    assert call.speech(0.5, agent=AGENT, caller=AGENT - 25)
    call.hears(4.0, agent=None, caller=-70.0)
    assert not call.loudness.faint


def test_nobody_is_faint_while_the_agent_is_silent() -> None:
    call = Call()
    call.hears(2.0, agent=None, caller=-70.0)
    assert not call.speech(0.5, agent=None, caller=-50.0)


def test_where_nobody_measures_nobody_is_faint() -> None:
    loudness = Loudness()
    loudness.began(1.0)
    assert not loudness.faint
