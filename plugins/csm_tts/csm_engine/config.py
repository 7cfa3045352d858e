"""Settings of the CSM engine: environment variables with the prefix `CSM_`."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from parley_serving import ListenSettings


class Settings(BaseSettings):
    """Read once, at start."""

    model_config = SettingsConfigDict(
        env_prefix="CSM_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        nested_model_default_partial_update=True,
        frozen=True,
        extra="forbid",
    )

    listen: ListenSettings = Field(
        ListenSettings(port=8102), description="Where the engine listens, and who may speak to it."
    )
    model: Literal["rehearsal"] = Field(
        "rehearsal", description="Which model speaks. `rehearsal` is espeak-ng."
    )
    stall: float = Field(
        30.0, gt=0, description="Seconds after which a client that reads nothing is dropped."
    )
    longest: float = Field(
        120.0, gt=0, description="Seconds of sound after which one sentence is cut off."
    )
