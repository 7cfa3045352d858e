"""Whether a call is recorded, and what the caller is told before."""

from typing import Literal

from agent.persona.policies import Policy, Text


class RecordingPlan(Policy):
    """Of both sides, in stereo, made in the agent. Names are Vapi's (`recordingConsentPlan`)."""

    enabled: bool = False
    """Whether calls are recorded."""
    format: Literal["opus", "wav"] = "opus"
    """Of the file."""
    consent_message: Text | None = None
    """Said before anything is recorded. The caller is heard meanwhile, and answered after it."""
