"""Settings of the CSM engine: environment variables with the prefix `CSM_`."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from parley_serving import ListenSettings, settings_from


class Settings(BaseSettings):
    """Read once, at start."""

    model_config = settings_from("CSM_")

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
