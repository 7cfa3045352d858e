from agent.limits import NEVER, Notice
from agent.persona.policies import MessagePlan
from agent.silence import Silence

PLAN = MessagePlan(
    idle_messages=("Hello?", "Are you there?"),
    idle_timeout_seconds=10,
    idle_message_max_spoken_count=3,
    silence_timeout_message="Goodbye.",
)


def said_in(core: Silence, seconds: int) -> list[tuple[int, str, bool]]:
    """Second by second, as if nobody spoke and messages took no time."""
    said = []
    for now in range(seconds):
        core.quiet(now)
        if notice := core.take(now):
            said.append((now, notice.text, notice.last))
    return said


def test_messages_come_in_turn_and_then_the_last_one() -> None:
    assert said_in(Silence(PLAN), 45) == [
        (10, "Hello?", False),
        (20, "Are you there?", False),
        (30, "Hello?", False),
        (40, "Goodbye.", True),
    ]


def test_before_anybody_spoke_nothing_is_due() -> None:
    assert Silence(PLAN).due == NEVER


def test_silence_before_the_talk_does_not_count() -> None:
    core = Silence(PLAN)
    core.afresh(5)
    assert core.due == NEVER
    core.quiet(5)
    core.afresh(30)
    assert core.due == 40


def test_it_counts_from_the_end_of_speech() -> None:
    core = Silence(PLAN)
    core.quiet(0)
    core.busy()
    assert core.take(11) is None
    core.quiet(12)
    core.quiet(15)
    assert core.due == 22


def test_words_of_the_caller_start_it_afresh() -> None:
    core = Silence(PLAN)
    said_in(core, 31)
    core.answered()
    core.quiet(31)
    assert core.take(41) == Notice("Hello?")


def test_a_sound_without_words_does_not_start_it_afresh() -> None:
    core = Silence(PLAN)
    said_in(core, 31)
    core.busy()
    core.quiet(31)
    assert core.take(41) == Notice("Goodbye.", last=True)


def test_without_messages_the_first_silence_is_the_last() -> None:
    for plan in (
        MessagePlan(idle_messages=(), silence_timeout_message="Goodbye."),
        MessagePlan(idle_message_max_spoken_count=0, silence_timeout_message="Goodbye."),
    ):
        core = Silence(plan)
        core.quiet(0)
        assert core.take(10) == Notice("Goodbye.", last=True)
