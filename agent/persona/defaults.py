"""What the worker's settings say where a persona says nothing. Pure."""

from typing import Any

from agent.config import TurnSettings
from agent.persona.model import Persona


def with_defaults(persona: Persona, turn: TurnSettings) -> Persona:
    """The persona with the settings' turns. Whoever reads them reads the persona alone."""
    start, stop = persona.start_speaking_plan, persona.stop_speaking_plan
    wait = start.wait_seconds if "wait_seconds" in start.model_fields_set else turn.min_delay
    begins = {
        "wait_seconds": wait,
        "max_wait_seconds": max(wait, turn.max_delay),
        "unlikely_threshold": turn.unlikely_threshold,
    }
    return persona.model_copy(
        update={
            "start_speaking_plan": start.model_copy(update=_unsaid(begins, start)),
            "stop_speaking_plan": stop.model_copy(
                update=_unsaid({"voice_seconds": turn.interrupt_after}, stop)
            ),
        }
    )


def _unsaid(values: dict[str, Any], policy: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in policy.model_fields_set}
