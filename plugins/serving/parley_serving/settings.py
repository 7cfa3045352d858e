"""Where an engine listens, and who may speak to it."""

import ipaddress
import sys
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings


class ListenSettings(BaseModel):
    """Part of each engine's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(ge=1, le=65_535, description="TCP port.")
    key: SecretStr | None = Field(
        None, description="Bearer key that clients must send. Required beyond loopback."
    )
    max_sessions: int = Field(16, ge=1, description="Calls held at once; more are refused (503).")
    drain: float = Field(4.0, ge=0, description="Seconds that SIGTERM waits for calls in progress.")

    @model_validator(mode="after")
    def _beyond_loopback_needs_a_key(self) -> Self:
        if self.key is None and not is_loopback(self.host):
            raise ValueError(
                f"listening on {self.host} needs a key: set one, or listen on 127.0.0.1"
            )
        return self


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load_settings(kind: type[SettingsT]) -> SettingsT:
    """Read settings from the environment; on bad ones say which and exit with 2."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        for problem in error.errors(include_url=False, include_input=False):
            name = prefix + "__".join(str(part) for part in problem["loc"]).upper()
            sys.stderr.write(f"bad setting {name.rstrip('_')}: {problem['msg']}\n")
        raise SystemExit(2) from None
