"""Every setting of the scripted model, read once from the environment at start."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from parley_serving import ListenSettings


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="SCRIPTED_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        nested_model_default_partial_update=True,
        frozen=True,
        extra="forbid",
    )

    listen: ListenSettings = Field(
        ListenSettings(port=8103, max_sessions=64), description="Where it listens."
    )
    scripts: Path = Field(
        Path("personas/scripts"), description="Folder of scripts; NAME.yaml is scripted-NAME."
    )
    pace: float = Field(
        0.002, ge=0, le=5, description="Seconds between words, where an entry has none of its own."
    )
