"""Settings of the CSM engine: environment variables with the prefix `CSM_`."""

from typing import Literal

from pydantic import DirectoryPath, Field, SecretStr
from pydantic_settings import BaseSettings

from parley_serving import ListenSettings, settings_from


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
