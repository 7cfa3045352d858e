"""Settings of the CSM engine: environment variables with the prefix `CSM_`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, DirectoryPath, Field, SecretStr
from pydantic_settings import BaseSettings

from parley_serving import ListenSettings, settings_from


class RehearsalSettings(BaseModel):
    """What the rehearsal voice waits for, so that calls feel another machine's times."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Seconds to a sentence's first sound, of `rehearsal`, at least.",
    )
    frame: float = Field(
        0.0, ge=0, le=1, description="Seconds that each further 80 ms of sound take it, at least."
    )


class Settings(BaseSettings):
    """Read once, at start."""

    model_config = settings_from("CSM_")

    listen: ListenSettings = Field(
        ListenSettings(port=8102), description="Where the engine listens, and who may speak to it."
    )
    model: str = Field(
        "rehearsal",
        min_length=1,
        description="Which model speaks: `rehearsal` (espeak-ng), or the folder of a CSM in "
        "transformers' format.",
    )
    rehearsal: RehearsalSettings = RehearsalSettings()
    voices: DirectoryPath | None = Field(
        None, description="Folder that has a folder for each of CSM's voices; a CSM needs one."
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where CSM runs.")
    streams: int = Field(16, ge=1, description="Sentences that CSM speaks at once; more wait.")
    depth_bits: Literal[8, 16] = Field(
        16,
        description="Bits of a weight in CSM's depth decoder. 8 is faster on a small GPU, and a "
        "little less exact.",
    )
    stall: float = Field(
        30.0, gt=0, description="Seconds after which a client that reads nothing is dropped."
    )
    longest: float = Field(
        120.0, gt=0, description="Seconds of sound after which one sentence is cut off."
    )
    watermark: Literal["off", "silentcipher"] = Field(
        "off",
        description="A mark in the sound that a machine made it. It holds each sentence until all of "
        "it is made.",
    )
    watermark_key: SecretStr | None = Field(
        None, description="What the mark says: five numbers from 0 to 255, with commas; keep them."
    )
