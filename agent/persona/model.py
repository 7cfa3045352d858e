"""Who answers: a persona is one YAML file and no code."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from agent.persona.policies import (
    Endpoint,
    FailurePlan,
    Limits,
    Memory,
    MessagePlan,
    Outbound,
    StartSpeakingPlan,
    StopSpeakingPlan,
    Text,
)


class Persona(BaseModel):
    """What `personas/NAME.yaml` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    """The file's name without its ending."""
    instructions: Text
    """The system message: who the agent is, and how one speaks on a telephone."""
    greeting: Text
    """Said when the call is up."""
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")] = "en"
    """What is spoken, as a BCP 47 tag."""
    voice: Text = "default"
    """A voice of the speaking engine."""
    model: Text | None = None
    """A language model other than the worker's."""
    speech: Endpoint | None = None
    """Who speaks, if not the CSM engine."""
    ears: Endpoint | None = None
    """Who hears, if not the Whisper engine."""
    minds: Annotated[tuple[Endpoint, ...], Field(strict=False)] = ()
    """Who thinks, if not the worker's: the first that answers."""
    tools: Annotated[tuple[dict[str, Any], ...], Field(strict=False)] = ()
    """What the agent may do; agent/tools says how each is declared."""
    start_speaking_plan: StartSpeakingPlan = StartSpeakingPlan()
    stop_speaking_plan: StopSpeakingPlan = StopSpeakingPlan()
    message_plan: MessagePlan = MessagePlan()
    limits: Limits = Limits()
    failure_plan: FailurePlan = FailurePlan()
    memory: Memory = Memory()
    outbound: Outbound = Outbound()
    variables: dict[str, str] = Field(default_factory=dict)
    """Defaults of what `{{name}}` stands for in instructions and greeting; a call's own come first."""
