"""Settings of the Whisper engine: environment variables with the prefix `WHISPER_`."""

from typing import Literal

from pydantic import Field, FilePath
from pydantic_settings import BaseSettings, SettingsConfigDict

from parley_serving import ListenSettings


class Settings(BaseSettings):
    """Read once, at start."""

    model_config = SettingsConfigDict(
        env_prefix="WHISPER_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        nested_model_default_partial_update=True,
        frozen=True,
        extra="forbid",
    )

    listen: ListenSettings = Field(
        ListenSettings(port=8101), description="Where the engine listens, and who may speak to it."
    )
    model: Literal["rehearsal"] = Field(
        "rehearsal", description="Which model hears. `rehearsal` is PocketSphinx."
    )
    phrases: FilePath | None = Field(
        None,
        description="File of the phrases that the rehearsal model understands, one a line. "
        "Unset: its general English model, which understands less well.",
    )
