"""Every setting of the scripted model, read once from the environment at start."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from parley_serving import ListenSettings, settings_from


class Settings(BaseSettings):
    model_config = settings_from("SCRIPTED_")

    listen: ListenSettings = Field(
        ListenSettings(port=8103, max_sessions=64), description="Where it listens."
    )
    scripts: Path = Field(
        Path("personas/scripts"), description="Folder of scripts; NAME.yaml is scripted-NAME."
    )
    first: float = Field(
        0.0, ge=0, le=10, description="Seconds before an answer's first word, at least."
    )
    pace: float = Field(
        0.002, ge=0, le=5, description="Seconds between words, where an entry has none of its own."
    )
