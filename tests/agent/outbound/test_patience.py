"""How long the agent waits for a callee and for a machine's beep."""

from agent.outbound.patience import (
    AFTER_BEEP,
    LONGEST_ANSWER,
    NO_BEEP,
    ON_HOLD,
    UNDECIDED,
    Callee,
    Machine,
)


def test_a_callee_who_says_nothing_is_spoken_to() -> None:
    callee = Callee(100.0, silence=3.0)
    assert callee.due == 103.0
    callee.is_quiet(102.0)  # of nothing
    assert callee.due == 103.0


def test_a_callee_who_speaks_is_heard_out() -> None:
    callee = Callee(100.0, silence=3.0)
    callee.speaks()
    assert callee.due == 100.0 + LONGEST_ANSWER
    callee.is_quiet(110.0)
    assert callee.due == 110.0 + UNDECIDED
    callee.speaks()
    callee.is_quiet(120.0)
    assert callee.due == 120.0 + UNDECIDED


def test_a_robot_that_looks_for_a_person_is_waited_for() -> None:
    callee = Callee(100.0, silence=ON_HOLD, undecided=ON_HOLD)
    assert callee.due == 100.0 + ON_HOLD
    callee.speaks()
    callee.is_quiet(105.0)
    assert callee.due == 105.0 + ON_HOLD


def test_who_goes_on_speaking_is_no_person() -> None:
    callee = Callee(100.0, silence=3.0)
    callee.speaks()
    assert not callee.is_endless(callee.due - 1.0)
    assert callee.is_endless(callee.due)


def test_who_is_silent_is_not_endless() -> None:
    callee = Callee(100.0, silence=3.0)
    callee.speaks()
    callee.is_quiet(150.0)
    assert callee.due == 153.0
    assert not callee.is_endless(200.0)


def test_the_message_follows_the_beep() -> None:
    machine = Machine(100.0, cap=130.0, speaking=True)
    assert machine.due == 130.0
    machine.is_quiet(108.0)
    machine.beeps(109.0)
    assert machine.due == 109.0 + AFTER_BEEP


def test_a_machine_that_does_not_beep_is_given_time_to() -> None:
    assert Machine(100.0, cap=130.0).due == 100.0 + NO_BEEP
    machine = Machine(100.0, cap=130.0, speaking=True)
    machine.is_quiet(104.0)
    assert machine.due == 104.0 + NO_BEEP
    machine.speaks()
    machine.is_quiet(107.0)
    assert machine.due == 107.0 + NO_BEEP


def test_of_several_beeps_the_last_counts() -> None:
    machine = Machine(100.0, cap=130.0)
    for end in (101.0, 101.4, 101.8):
        machine.beeps(end)
    assert machine.due == 101.8 + AFTER_BEEP


def test_words_after_a_tone_make_it_none() -> None:
    machine = Machine(100.0, cap=130.0)
    machine.beeps(101.0)
    machine.speaks()
    assert machine.due == 130.0
    machine.is_quiet(110.0)
    assert machine.due == 110.0 + NO_BEEP


def test_no_machine_is_waited_for_beyond_the_cap() -> None:
    machine = Machine(100.0, cap=102.0)
    assert machine.due == 102.0
    machine.speaks()
    assert machine.due == 102.0
