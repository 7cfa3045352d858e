"""What is made of a call when it is over."""

from agent.persona.policies import Policy, Text
from agent.tools.schema import ArgumentsSchema


class AnalysisPlan(Policy):
    """After the call, by the persona's own mind. Names are Vapi's (`analysisPlan`)."""

    summary: bool = False
    """Whether the call is summed up."""
    summary_prompt: Text = (
        "Sum up this telephone call in at most three sentences for a colleague who was not there: "
        "what the caller wanted, what was agreed, what is left to do. Invent nothing."
    )
    """How."""
    structured_data: ArgumentsSchema | None = None
    """What is taken from the call, as a JSON schema; what does not fit it is not kept."""

    @property
    def wants_any(self) -> bool:
        return self.summary or self.structured_data is not None
