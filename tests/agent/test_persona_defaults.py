import pytest

from agent.config import TurnSettings
from agent.persona import Persona, with_defaults
from agent.persona.policies import StartSpeakingPlan, StopSpeakingPlan

TURN = TurnSettings(min_delay=0.4, max_delay=1.2, unlikely_threshold=0.3, interrupt_after=0.9)


def persona(**plans: object) -> Persona:
    return Persona.model_validate(
        {"name": "clerk", "instructions": "Be brief.", "greeting": "Hello.", **plans}
    )


def test_a_persona_that_says_nothing_has_the_settings_turns() -> None:
    plain = with_defaults(persona(), TURN)
    assert plain.start_speaking_plan.wait_seconds == 0.4
    assert plain.start_speaking_plan.max_wait_seconds == 1.2
    assert plain.start_speaking_plan.unlikely_threshold == 0.3
    assert plain.stop_speaking_plan.voice_seconds == 0.9


def test_what_a_persona_says_wins_even_where_it_says_the_default() -> None:
    start = StartSpeakingPlan(max_wait_seconds=0.7)
    stop = StopSpeakingPlan(voice_seconds=0.5)
    own = with_defaults(persona(start_speaking_plan=start, stop_speaking_plan=stop), TURN)
    assert own.start_speaking_plan.max_wait_seconds == 0.7
    assert own.start_speaking_plan.wait_seconds == 0.4
    assert own.stop_speaking_plan.voice_seconds == 0.5


def test_the_longest_wait_is_never_shorter_than_the_wait() -> None:
    waits = persona(start_speaking_plan=StartSpeakingPlan(wait_seconds=0.6))
    settings = TurnSettings(max_delay=0.5)
    assert with_defaults(waits, settings).start_speaking_plan.max_wait_seconds == 0.6


@pytest.mark.parametrize("plan", [{"wait_seconds": 0.8}, {"max_wait_seconds": 0.1}])
def test_waits_that_contradict_each_other_are_refused(plan: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="say both"):
        StartSpeakingPlan.model_validate(plan)
