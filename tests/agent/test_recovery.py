from agent.recovery import Advice, Recovery, Unheard


def recovery() -> Recovery:
    return Recovery(patience=20.0, quiet=10.0)


def test_the_first_failure_is_apologised_for_and_retried() -> None:
    assert recovery().failed("mind", 0.0) == Advice(apologise=True, retry_after=1.0)


def test_further_failures_are_retried_with_back_off_and_no_more_words() -> None:
    core = recovery()
    delays = [core.failed("mind", float(second)).retry_after for second in range(4)]
    assert delays == [1.0, 2.0, 4.0, 4.0]
    assert not core.failed("mind", 4.0).apologise


def test_a_part_that_stays_away_ends_the_call_once() -> None:
    core = recovery()
    for second in range(0, 20, 5):
        assert not core.failed("voice", float(second)).give_up
    assert core.failed("voice", 20.0) == Advice(give_up=True)
    assert core.failed("voice", 21.0) == Advice()


def test_two_parts_failing_together_get_one_apology() -> None:
    core = recovery()
    assert core.failed("mind", 0.0).apologise
    assert not core.failed("voice", 0.1).apologise


def test_an_old_failure_of_another_part_does_not_swallow_the_apology() -> None:
    core = recovery()
    core.failed("ears", 0.0)
    core.failed("ears", 0.1)
    assert core.failed("mind", 60.0).apologise


def test_ears_that_hear_again_at_once_are_not_spoken_of() -> None:
    core = recovery()
    assert not core.failed("ears", 0.0).apologise
    assert not core.failed("ears", 60.0).apologise
    assert core.failed("ears", 60.1).apologise


def test_tries_that_hang_add_up_to_the_end_of_the_call() -> None:
    core = recovery()
    core.failed("mind", 0.0)
    assert not core.failed("mind", 15.0).apologise
    assert core.failed("mind", 30.0) == Advice(give_up=True)


def test_a_part_that_nobody_waited_for_is_apologised_for_again() -> None:
    core = recovery()
    core.failed("voice", 0.0)
    core.settled("voice")
    assert core.failed("voice", 60.0) == Advice(apologise=True, retry_after=1.0)


def test_a_part_that_came_back_is_apologised_for_again() -> None:
    core = recovery()
    core.failed("mind", 0.0)
    core.worked("mind")
    assert core.failed("mind", 5.0).apologise


def test_failures_far_apart_do_not_add_up_to_the_end_of_the_call() -> None:
    core = recovery()
    for minute in range(10):
        assert core.failed("ears", minute * 60.0) == Advice()


def test_who_was_asked_for_a_moment_is_not_apologised_to_for_what_comes_of_it() -> None:
    core = recovery()
    assert core.slow()
    assert not core.failed("mind", 0.0).apologise
    assert not core.slow()


def test_a_slow_answer_that_came_is_forgotten() -> None:
    core = recovery()
    core.slow()
    core.worked("mind")
    assert core.slow()


def test_a_part_is_away_from_its_first_failure_until_it_works() -> None:
    core = recovery()
    assert not core.troubled
    core.failed("voice", 0.0)
    assert core.is_away("voice")
    assert not core.is_away("mind")
    core.worked("voice")
    assert not core.troubled


def test_sounds_without_words_are_spoken_of_twice_until_words_come() -> None:
    core = Unheard()
    assert [core.speak() for _ in range(4)] == [True, True, False, False]
    core.heard()
    assert core.speak()
