from agent.limits import NEVER, Notice, TimeLimit
from agent.persona.policies import Limits

WARNING = Notice("One minute.")
END = Notice("Goodbye.", last=True)


def limit(seconds: float, warning: float) -> TimeLimit:
    return TimeLimit(
        Limits(
            max_duration_seconds=seconds,
            duration_warning_seconds=warning,
            duration_warning_message=WARNING.text,
            duration_end_message=END.text,
        ),
        started=100.0,
    )


def test_the_warning_comes_before_the_end_and_each_once() -> None:
    core = limit(300, 60)
    assert core.due == 340
    assert core.take(339.9) is None
    assert core.take(340) == WARNING
    assert core.take(341) is None
    assert core.due == 400
    assert core.take(400) == END
    assert core.take(401) is None
    assert core.due == NEVER


def test_a_call_shorter_than_its_warning_has_none() -> None:
    core = limit(30, 60)
    assert core.due == 130
    assert core.take(129) is None
    assert core.take(130) == END


def test_a_warning_of_no_seconds_is_none() -> None:
    core = limit(30, 0)
    assert core.take(130) == END


def test_who_comes_too_late_for_the_warning_gets_the_end_alone() -> None:
    core = limit(300, 60)
    assert core.take(500) == END
    assert core.due == NEVER
