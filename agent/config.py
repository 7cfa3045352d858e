"""Every setting of the worker, read once from the environment at start."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from parley_serving.settings import is_loopback

AGENT_NAME = "parley"
"""The name under which dispatch rules and tokens ask for this worker."""

VadKind = Literal["bundled", "silero"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EarsSettings(_Part):
    url: HttpUrl = Field(HttpUrl("http://127.0.0.1:8101"), description="The Whisper engine.")
    key: SecretStr | None = Field(None, description="Its bearer key.")


class VoiceSettings(_Part):
    url: HttpUrl = Field(HttpUrl("http://127.0.0.1:8102"), description="The CSM engine.")
    key: SecretStr | None = Field(None, description="Its bearer key.")
    remembers: Literal["nothing", "agent", "texts", "sounds"] = Field(
        "agent",
        description="What it knows of a call: `nothing`, what the `agent` said, the caller's `texts`, their `sounds`.",
    )


class MindSettings(_Part):
    url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8103/v1"),
        description="An OpenAI-compatible endpoint: vLLM, or the scripted model.",
    )
    key: SecretStr = Field(SecretStr("unused"), description="Its API key.")
    model: str = Field("scripted-receptionist", description="Unless the persona names its own.")
    timeout: float = Field(4.0, gt=0, description="Seconds to the first token.")
    max_calls: int | None = Field(
        None, ge=1, description="Calls at once, of all workers, that it serves; beyond them: full."
    )


class TurnSettings(_Part):
    """For personas whose plans say nothing of it."""

    min_delay: float = Field(0.3, ge=0, description="Seconds of silence that end a likely turn.")
    max_delay: float = Field(0.7, gt=0, description="Seconds of silence that end any turn.")
    unlikely_threshold: float = Field(
        0.25,
        gt=0,
        lt=1,
        description="End-of-turn score under which a turn waits for max_delay.",
    )
    interrupt_after: float = Field(0.5, gt=0, description="Seconds of speech that interrupt.")
    resume_after: float = Field(
        0.8, gt=0, description="Seconds without words after which an interrupted agent goes on."
    )


class RecoverySettings(_Part):
    patience: float = Field(
        20.0, gt=0, description="Seconds that a part may be away before the call ends politely."
    )
    episode: float = Field(
        10.0, gt=0, description="Seconds without a failure after which a new one starts afresh."
    )


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="AGENT_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    stt: EarsSettings = EarsSettings()
    tts: VoiceSettings = VoiceSettings()
    llm: MindSettings = MindSettings()
    turn: TurnSettings = TurnSettings()
    recovery: RecoverySettings = RecoverySettings()
    vad: VadKind = Field("bundled", description="Voice activity detector of the turn detection.")
    personas: Path = Field(Path("personas"), description="Folder of persona files.")
    line: Path | None = Field(
        None, description="`sip.yaml`, whose `admission` says who is let in; everybody, if unset."
    )
    recordings: Path = Field(
        Path("recordings"), description="Folder of the recordings that personas ask for."
    )
    max_calls: int = Field(8, ge=1, description="Calls held at once; more are left to others.")
    idle_processes: int = Field(3, ge=0, description="Call processes kept warm.")
    health_host: str = Field("127.0.0.1", description="Address of the health server.")
    health_key: SecretStr | None = Field(
        None, description="Bearer key that /calls asks for. Required beyond loopback."
    )
    health_port: int = Field(8104, ge=0, le=65_535, description="Port of the health server.")
    log_callers: bool = Field(False, description="Let callers' numbers and words into the log.")
    ledger: SecretStr | None = Field(
        None, description="URL of the ledger, into which calls are written; nowhere, if unset."
    )
    max_queued_audio: float = Field(
        1.0, gt=0, description="Seconds of the agent's sound queued ahead of the caller."
    )
    lead_in: float = Field(
        0.3, ge=0, description="Seconds of silence that open the line before the greeting."
    )

    @model_validator(mode="after")
    def _beyond_loopback_needs_a_key(self) -> Self:
        if self.health_key is None and not is_loopback(self.health_host):
            raise ValueError(
                f"a health server on {self.health_host} needs health_key: set one, or use 127.0.0.1"
            )
        return self
