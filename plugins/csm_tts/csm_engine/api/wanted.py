"""What a client asks of `POST /v1/audio/speech`, read and checked."""

from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from csm_engine.model import Manner, Model, UnknownVoiceError
from csm_engine.protocol import SAMPLE_RATE
from csm_engine.text import normalise, split
from parley_serving import errors
from parley_serving.errors import ApiError

MAX_TEXT_CHARS = 10_000
"""Some eleven minutes of speech. OpenAI's own limit is 4,096."""

MAX_BODY_BYTES = 256 * 1024
"""Room for that text with every character escaped."""

PART_CHARS = 1_000
"""A longer text is spoken in parts, each about a minute, which `CSM_LONGEST` does not cut."""

MAX_TEMPERATURE = 5.0
MAX_TOP_K = 256
"""As the sampler has them, which is of torch."""

MULAW_RATE = 8_000

Format = Literal["pcm", "wav", "mulaw"]


def _name(voice: object) -> object:
    """OpenAI's own voices are strings, a user's are `{"id": …}`."""
    return voice["id"] if isinstance(voice, dict) and voice.keys() == {"id"} else voice


class SpeechRequest(BaseModel):
    """What OpenAI clients send; `language` and from `sample_rate` on are ours.

    `instructions` and `model` are taken and not used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: str = Field(min_length=1, max_length=MAX_TEXT_CHARS)
    voice: Annotated[str, BeforeValidator(_name), Field(min_length=1, max_length=64)] = "default"
    language: str = Field(default="en", min_length=2, max_length=16)
    response_format: Format = "wav"
    stream_format: Literal["audio", "sse"] = "audio"
    speed: float = 1.0
    model: str = ""
    instructions: str | None = None
    sample_rate: Literal[8_000, 16_000, 24_000] | None = None
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    temperature: float | None = Field(default=None, ge=0, le=MAX_TEMPERATURE)
    top_k: int | None = Field(default=None, ge=0, le=MAX_TOP_K)

    @field_validator("input")
    @classmethod
    def _has_words(cls, text: str) -> str:
        # Signs are words too ("%"); reading them takes too long for a whole text.
        if not (_words(text) or _words(normalise(text[:PART_CHARS]))):
            raise ValueError("there is no word in it to say: send letters or digits")
        return text

    @field_validator("speed")
    @classmethod
    def _is_its_own(cls, speed: float) -> float:
        if speed != 1:
            raise ValueError("the voice has one speed: send 1.0, or leave it out")
        return speed

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.response_format == "mulaw" and self.sample_rate not in {None, MULAW_RATE}:
            raise ValueError("mulaw is of 8000 Hz: leave sample_rate out, or ask for pcm")
        return self

    @property
    def rate(self) -> int:
        """Hz."""
        return self.sample_rate or (MULAW_RATE if self.response_format == "mulaw" else SAMPLE_RATE)

    @property
    def parts(self) -> list[str]:
        """The text in parts that a model can be given as a sentence."""
        return split(self.input, PART_CHARS)

    @property
    def manner(self) -> Manner:
        """Later parts are spoken as what follows the first."""
        return Manner(
            voice=self.voice,
            language=self.language,
            remembers="agent" if len(self.parts) > 1 else "nothing",
            live=False,
            seed=self.seed,
            temperature=self.temperature,
            top_k=self.top_k,
        )


def read_request(body: bytes, model: Model) -> SpeechRequest:
    """Raises ApiError, also for a voice or a language that the model lacks."""
    try:
        wanted = SpeechRequest.model_validate_json(body)
    except ValidationError as error:
        raise errors.of_validation(error) from error
    check(model, wanted.voice, wanted.language)
    return wanted


def check(model: Model, voice: str, language: str) -> None:
    """Raises ApiError for what the model could not speak."""
    try:
        model.check(voice, language)
    except UnknownVoiceError as error:
        known = not model.voices or voice in {*model.voices, "default"}
        param = "language" if known else "voice"
        raise ApiError(400, f"unknown_{param}", str(error), param) from error


def _words(text: str) -> bool:
    return any(character.isalnum() for character in text)
