"""Settings of the Whisper engine: environment variables with the prefix `WHISPER_`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, FilePath
from pydantic_settings import BaseSettings

from parley_serving import ListenSettings, settings_from


class RehearsalSettings(BaseModel):
    """What the rehearsal ears wait for, so that calls feel another machine's times."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interim: float = Field(
        0.0, ge=0, le=10, description="Seconds that an interim takes `rehearsal`, at least."
    )
    final: float = Field(
        0.0, ge=0, le=10, description="Seconds that a final's text takes it, at least."
    )


class Settings(BaseSettings):
    """Read once, at start."""

    model_config = settings_from("WHISPER_")

    listen: ListenSettings = Field(
        ListenSettings(port=8101), description="Where the engine listens, and who may speak to it."
    )
    model: str = Field(
        "rehearsal",
        min_length=1,
        description="Which model hears: `rehearsal` (PocketSphinx), or a Whisper by name (`base.en`, "
        "`large-v3-turbo`), by hub id, or by the folder of its CTranslate2 files.",
    )
    rehearsal: RehearsalSettings = RehearsalSettings()
    phrases: FilePath | None = Field(
        None,
        description="File of the phrases that the rehearsal model understands, one a line. "
        "Unset: its general English model, which understands less well.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where Whisper runs.")
    compute_type: str | None = Field(
        None,
        description="CTranslate2's type of numbers. Unset: int8 on a CPU, float16 on a GPU.",
    )
    workers: int | None = Field(
        None, ge=1, description="Batches at once. Unset: one a core, at most 4; two on a GPU."
    )
    beam: int = Field(1, ge=1, le=10, description="Width of a final's search; 1 is greedy.")
    prompt: str = Field(
        "", max_length=1_000, description="Text that leads every prompt: names, spelling, style."
    )
    final_length: Literal["auto", "cut", "full"] = Field(
        "auto",
        description="Length of a final's encoder input: `full` is the 30 s of Whisper's training, "
        "`cut` the sound's own with a margin. Unset: full on a GPU, cut on a CPU.",
    )
    margin: float = Field(
        2.56, ge=0, le=30, description="Seconds of silence after sound that is cut."
    )
    pause: float | None = Field(
        None,
        ge=0.064,
        le=0.25,
        description="Seconds of silence after which a final's text is prepared. Unset: 0.064, and 0.16 "
        "when busy; 0.128 for the rehearsal model.",
    )
