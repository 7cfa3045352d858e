"""Who answers: a persona is one YAML file and no code."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from agent.persona.analysis import AnalysisPlan
from agent.persona.policies import (
    Endpoint,
    FailurePlan,
    Language,
    Limits,
    Memory,
    MessagePlan,
    Outbound,
    RecordingPlan,
    StartSpeakingPlan,
    StopSpeakingPlan,
    Text,
)

VariableName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Persona(BaseModel):
    """What `personas/NAME.yaml` holds."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    """The file's name without its ending."""
    instructions: Text = ""
    """The system message: who the agent is, and how one speaks on a telephone. This or the next."""
    instructions_file: Text | None = None
    """Text file of the same, in the folder of the persona's file."""
    greeting: Text
    """Said when the call is up."""
    language: Language = "en"
    """What is spoken, as a BCP 47 tag."""
    voice: Text = "default"
    """A voice of the CSM engine."""
    model: Text | None = None
    """A language model other than the worker's, at the worker's endpoint."""
    speech: Endpoint | None = None
    """Who speaks, if not the CSM engine."""
    ears: Endpoint | None = None
    """Who hears, if not the Whisper engine."""
    minds: Annotated[tuple[Endpoint, ...], Field(strict=False)] = ()
    """Who thinks, if not the worker's: the first that answers."""
    tools: Annotated[tuple[dict[str, Any], ...], Field(strict=False)] = ()
    """What the agent may do; [tools.md](tools.md) says how each is declared."""
    start_speaking_plan: StartSpeakingPlan = StartSpeakingPlan()
    """When the caller's turn is over."""
    stop_speaking_plan: StopSpeakingPlan = StopSpeakingPlan()
    """When the caller makes the agent stop."""
    message_plan: MessagePlan = MessagePlan()
    """What is said into silence."""
    limits: Limits = Limits()
    """How long a call and a turn may be."""
    failure_plan: FailurePlan = FailurePlan()
    """What is said when a part fails."""
    memory: Memory = Memory()
    """How much of the talk the model gets."""
    outbound: Outbound = Outbound()
    """Calls that the agent places."""
    hold_music: Text | None = None
    """File of sound beside the persona's, played to callers who wait; a melody of Parley's where not said."""
    recording_plan: RecordingPlan = RecordingPlan()
    """Whether calls are recorded, and what the caller is told before."""
    analysis_plan: AnalysisPlan = AnalysisPlan()
    """What is made of a call when it is over."""
    variables: dict[VariableName, str] = Field(default_factory=dict)
    """Defaults of what `{{name}}` stands for in instructions, greeting, voicemail and screening
    message; a call's own come first."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        said = self.model_fields_set
        if ("instructions" in said) == ("instructions_file" in said):
            raise ValueError("needs one of instructions and instructions_file")
        for own, others in (("voice", "speech"), ("model", "minds")):
            if {own, others} <= said:
                raise ValueError(
                    f"{own} is for the worker's own endpoint: leave it or {others} out"
                )
        return self

    @model_validator(mode="after")
    def _each_has_its_own(self) -> Self:
        if self.speech and not self.speech.voice:
            raise ValueError("speech: needs a voice")
        if any(endpoint.voice for endpoint in (self.ears, *self.minds) if endpoint):
            raise ValueError("ears and minds have no voice: it is for speech")
        if any(endpoint.realtime for endpoint in (self.speech, *self.minds) if endpoint):
            raise ValueError("speech and minds are not realtime: it is for ears")
        return self

    def endpoints(self) -> dict[tuple[str | int, ...], Endpoint]:
        """All that are somebody else's, by their place in the file."""
        named: dict[tuple[str | int, ...], Endpoint | None] = {
            ("speech",): self.speech,
            ("ears",): self.ears,
            **{("minds", number): mind for number, mind in enumerate(self.minds)},
        }
        return {place: endpoint for place, endpoint in named.items() if endpoint}
