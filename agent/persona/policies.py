"""How an agent behaves, beside what it says. Names are Vapi's where it has one (its assistants'
`startSpeakingPlan`, `stopSpeakingPlan`, `messagePlan`), in snake case; all times are seconds."""

import re
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Texts = Annotated[tuple[Text, ...], Field(strict=False)]
"""A list, in YAML."""
Seconds = Annotated[float, Field(ge=0, le=3600)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")]
"""A BCP 47 tag."""
SecretName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]


class Policy(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


class StartSpeakingPlan(Policy):
    """When the caller's turn is over."""

    wait_seconds: Seconds = 0.3
    """Of silence after a turn that sounds finished."""
    max_wait_seconds: Seconds = 0.7
    """Of silence after any turn."""
    unlikely_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """End-of-turn score under which a turn does not sound finished."""
    max_wait_seconds_after_interruption: Seconds | None = None
    """In the one turn after the caller interrupted; half of `max_wait_seconds` where not said."""
    short_answers: bool = True
    """A short answer to the agent's question ends the turn after `wait_seconds`, however it sounds."""
    short_answer_phrases: Texts = ()
    """More of them than the language's own list has."""

    @model_validator(mode="after")
    def _longest_is_longer(self) -> Self:
        if self.max_wait_seconds < self.wait_seconds:
            raise ValueError(
                f"max_wait_seconds must not be less than wait_seconds: {self.max_wait_seconds:g} "
                f"is less than {self.wait_seconds:g}; say both"
            )
        return self


class StopSpeakingPlan(Policy):
    """When the caller makes the agent stop."""

    num_words: Annotated[int, Field(ge=1, le=20)] = 2
    """That interrupt, those of the acknowledgements not counted."""
    voice_seconds: Annotated[float, Field(gt=0, le=5)] = 0.5
    """Of speech without a pause that interrupt."""
    backoff_seconds: Seconds = 1.5
    """After an interruption in which sound alone interrupts no more: it takes words."""
    acknowledgement_phrases: Texts = ()
    """That do not interrupt, more than the language's own list has."""
    interruption_phrases: Texts = ("stop", "wait", "hold on")
    """That interrupt at once."""
    fade_seconds: Annotated[float, Field(ge=0, le=0.15)] = 0.12
    """In which the agent's voice goes down to nothing."""
    trailing_clip: Text | None = None
    """WAV that follows an interruption, beside the persona's file: a breath, say."""


class MessagePlan(Policy):
    """What is said into silence."""

    idle_messages: Texts = ("Are you still there?",)
    """Said in turn while the caller says nothing."""
    idle_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 10.0
    """Of silence before each."""
    idle_message_max_spoken_count: Annotated[int, Field(ge=0, le=10)] = 2
    """How often, until the caller speaks."""
    silence_timeout_message: Text = "I cannot hear you. Goodbye."
    """Before the agent hangs up, when all of them were said."""


class Limits(Policy):
    max_duration_seconds: Annotated[float, Field(gt=0, le=86_400)] = 1800.0
    """Of a call."""
    duration_warning_seconds: Seconds = 60.0
    """Before its end at which the caller is told."""
    duration_warning_message: Text = "I am sorry, we have only a minute left."
    """Said then."""
    duration_end_message: Text = "I am sorry, our time is up. Goodbye."
    """Said when the time is up."""
    max_turn_seconds: Annotated[float, Field(gt=0, le=600)] = 60.0
    """Of a caller's turn, after which the agent takes the word."""
    max_turn_words: Annotated[int, Field(gt=0, le=2000)] = 200
    """The same, in words."""


class FailurePlan(Policy):
    """What the caller hears when a part fails."""

    moment_message: Text = "Sorry, give me a moment."
    """When an answer fails and is tried again."""
    unheard_message: Text = "Sorry, I didn't catch that."
    """When the caller spoke and no words came of it."""
    unheard_seconds: Annotated[float, Field(gt=0, le=30)] = 3.0
    """Without words after speech, until that is said."""
    filler_message: Text = "One moment, please."
    """While a tool works."""
    filler_seconds: Annotated[float, Field(gt=0, le=30)] = 2.0
    """A tool takes, until that is said."""
    goodbye_message: Text = "I am sorry, something is wrong on our side. Goodbye."
    """When nothing helps, before the agent hangs up."""
    transfer_to: Text | None = None
    """Number, or name in `transfers`, that a call goes to instead of its goodbye."""


class Memory(Policy):
    max_messages: Annotated[int, Field(ge=2, le=500)] = 20
    """That the model gets; instructions are not among them."""
    max_tokens: Annotated[int, Field(ge=200, le=1_000_000)] | None = None
    """By an estimate of four characters a token."""


class Outbound(Policy):
    """Calls that the agent places."""

    first_message_mode: Literal["assistant-waits-for-user", "assistant-speaks-first"] = (
        "assistant-waits-for-user"
    )
    """Who says hello. A greeting that waits is the answer to it."""
    callee_silence_seconds: Annotated[float, Field(gt=0, le=30)] = 3.0
    """Until a greeting that waits is said after all."""
    voicemail_detection: bool = True
    """Whether to find out if a machine has answered: by its words, which the mind judges before a
    greeting that waits, and by its beep."""
    voicemail_message: Text | None = None
    """Left after the beep, once; without one the agent hangs up."""
    beep_max_await_seconds: Annotated[float, Field(gt=0, le=60)] = 30.0
    """After the answer in which a beep is waited for."""
    screening_message: Text | None = None
    """Said to a robot that asks who calls, or offers keys; the greeting where not said."""


RecordingKind = Literal["opus", "wav"]


class RecordingPlan(Policy):
    """Of both sides, in stereo, made in the agent. Names are Vapi's (`recordingConsentPlan`)."""

    enabled: bool = False
    """Whether calls are recorded."""
    format: RecordingKind = "opus"
    """Of the file."""
    consent_message: Text | None = None
    """Said before anything is recorded. The caller is heard meanwhile, and answered after it."""


def _door(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s@?#]*)?", url):
        raise ValueError(
            "must be http://HOST/v1 or https://HOST/v1, without user, password and query"
        )
    return url


class Endpoint(Policy):
    """An OpenAI-compatible door of somebody else's."""

    url: Annotated[Text, AfterValidator(_door)]
    """With its `/v1`."""
    model: Text
    """By its name there."""
    key: SecretName | None = None
    """Name of the secret: `AGENT_SECRET_NAME` in the environment."""
    voice: Text | None = None
    """For speech."""
    languages: Annotated[tuple[Language, ...], Field(strict=False)] = ()
    """That its model speaks or hears; a persona of another language is refused. Unsaid: any."""
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 4.0
    """To its first answer, and between two pieces of it."""
    realtime: bool = False
    """For ears: hear over `/realtime`, which gives words while the caller still speaks."""
