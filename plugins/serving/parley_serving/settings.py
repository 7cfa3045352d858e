"""Where an engine listens, and who may speak to it."""

import ipaddress
import os
import sys
from pathlib import Path
from typing import Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict


class ListenSettings(BaseModel):
    """Part of each engine's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(ge=1, le=65_535, description="TCP port.")
    key: SecretStr | None = Field(
        None, description="Bearer key that clients must send. Required beyond loopback."
    )
    certificate: FilePath | None = Field(
        None, description="PEM with its chain: then TLS is spoken, and nothing else."
    )
    private_key: FilePath | None = Field(
        None, validate_default=True, description="The key that belongs to it, PEM, unlocked."
    )
    max_sessions: int = Field(16, ge=1, description="Calls held at once; more are refused (503).")
    drain: float = Field(4.0, ge=0, description="Seconds that SIGTERM waits for calls in progress.")

    @field_validator("private_key")
    @classmethod
    def _goes_with_its_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if (key is None) != (info.data.get("certificate") is None):
            raise ValueError("certificate and private_key go together")
        return key

    @model_validator(mode="after")
    def _beyond_loopback_needs_a_key(self) -> Self:
        if self.key is None and not is_loopback(self.host):
            raise ValueError(
                f"listening on {self.host} needs a key: set one, or listen on 127.0.0.1"
            )
        return self


def settings_from(prefix: str) -> SettingsConfigDict:
    """How a server reads its settings: frozen, from `PREFIX…`, an empty variable being an unset one."""
    return SettingsConfigDict(
        env_prefix=prefix,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        nested_model_default_partial_update=True,
        frozen=True,
        extra="forbid",
    )


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load_settings(kind: type[SettingsT], besides: str | None = None) -> SettingsT:
    """Read settings from the environment; on bad ones say which and exit with 2.

    `besides` is how variables begin that are no settings though they have the prefix.
    """
    prefix = kind.model_config.get("env_prefix", "")
    problems = [
        f"{name}: there is no such setting"
        for name in _unknown(kind, prefix)
        if not (besides and name.startswith(besides))
    ]
    try:
        settings = kind()
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = prefix + "__".join(str(part) for part in problem["loc"]).upper()
            problems.append(f"{name.rstrip('_')}: {problem['msg']}")
    else:
        if not problems:
            return settings
    sys.stderr.writelines(f"bad setting {problem}\n" for problem in problems)
    raise SystemExit(2)


def _unknown(kind: type[BaseSettings], prefix: str) -> list[str]:
    """Variables with our prefix that no field takes: pydantic-settings does not look at them."""
    fields = {name.upper() for name in kind.model_fields}
    return [
        name
        for name in sorted(os.environ)
        if prefix
        and name.upper().startswith(prefix)
        and name.upper().removeprefix(prefix).partition("__")[0] not in fields
    ]
