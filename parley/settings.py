"""What `parley` itself is told: where its ports, its data and its secrets are."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from parley.setting_kinds import AbsolutePath, Accounts, SocketAddress, WebAddress, WebAddresses

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: livekit.yaml, personas and .env lie here."""

PREFIX = "PARLEY_"
LIVEKIT_PREFIX = "LIVEKIT_"
BLOCK = 500
"""Ports that a PARLEY_PORT_BASE claims."""


class BadSettingsError(Exception):
    """Settings that cannot be used; the message is one sentence for the person who runs Parley."""


class Settings(BaseSettings):
    """Read once by `load`, from the environment and, under it, the file of secrets."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    env_file: AbsolutePath = Field(
        ROOT / ".env", description="File of secrets and settings, mode 0600."
    )
    run_dir: AbsolutePath = Field(ROOT / ".run", description="Data, logs and stack.json.")
    log_callers: bool = Field(False, description="Let callers into the logs of LiveKit's servers.")
    port_base: int | None = Field(
        None,
        ge=1024,
        le=65_535 - BLOCK,
        description=f"First of {BLOCK} ports that all parts use instead of their own.",
    )
    hung_after: float = Field(
        10.0,
        ge=4.0,
        description="Seconds without an answer after which `parley up` kills a part and starts it again; six times as many for a worker while there are calls.",
    )
    tls: AbsolutePath | None = Field(
        None, description="Folder of cert.pem, key.pem and ca.pem: all that can, speaks TLS."
    )
    number: str = Field(
        "+15550100", pattern=r"^\+[1-9]\d{1,14}$", description="Number of the local trunk (E.164)."
    )
    persona: str = Field(
        "receptionist",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$",
        description="Who answers the local trunk: a file of personas/.",
    )
    sip_file: AbsolutePath = Field(
        ROOT / "sip.yaml",
        description="The telephone line; without the file, the local trunk alone.",
    )
    ledger: SecretStr | None = Field(
        None,
        description="Where calls are written: `sqlite:////path`, or `postgresql://user:password@host/database`. `ledger.db` in the run folder, if unset.",
    )
    bucket: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$",
        description="S3-compatible bucket that takes recordings; they stay in the run folder, if unset.",
    )
    bucket_endpoint: WebAddress | None = Field(
        None, description="Its server, as `https://s3.example.com`; Amazon's, if unset."
    )
    bucket_region: str | None = Field(None, min_length=1, description="Its region, if it has one.")
    bucket_prefix: str = Field(
        "", pattern=r"^[A-Za-z0-9/._-]{0,200}$", description="Begins the names of its objects."
    )
    bucket_access_key: str | None = Field(
        None, min_length=1, description="Key to it; found as boto3 finds one, if unset."
    )
    bucket_secret_key: SecretStr | None = Field(
        None, min_length=1, validate_default=True, description="The key's secret."
    )
    webhook_urls: WebAddresses = Field(
        (), description="Who is told of calls: addresses, with spaces between."
    )
    webhook_secret: SecretStr | None = Field(
        None,
        min_length=16,
        validate_default=True,
        description="Signs what they are told; needed where there are any.",
    )
    otlp_url: WebAddress | None = Field(
        None,
        description="Collector that traces are sent to by OTLP over HTTP: `http://127.0.0.1:4318`. OTEL_EXPORTER_OTLP_ENDPOINT does the same.",
    )
    web_host: str = Field("127.0.0.1", description="Address that the control API listens on.")
    web_port: int | None = Field(
        None,
        ge=1,
        le=65_535,
        description="Its port; 8080, or one of PARLEY_PORT_BASE's, if unset.",
    )
    web_public_url: WebAddress | None = Field(
        None,
        description="What Twilio and browsers elsewhere call it by, without a path: `https://calls.example.com`.",
    )
    web_password: SecretStr | None = Field(
        None,
        min_length=12,
        description="Signs a browser in to the room and the calls; on 127.0.0.1 none is needed, unless PARLEY_WEB_PUBLIC_URL is set.",
    )
    web_oidc_issuer: WebAddress | None = Field(
        None, description="Signs browsers in by accounts of this OpenID provider instead."
    )
    web_oidc_client_id: str | None = Field(None, min_length=1, description="What it knows us by.")
    web_oidc_client_secret: SecretStr | None = Field(
        None, min_length=1, description="And its secret."
    )
    web_oidc_allowed: Accounts = Field(
        (),
        validate_default=True,
        description="Who may: `ann@example.com`, or all of `@example.com`, with spaces between.",
    )
    web_livekit_url: SocketAddress | None = Field(
        None,
        description="What browsers call LiveKit by: `wss://livekit.example.com`; LIVEKIT_URL or that of `parley up`, if unset.",
    )
    web_test_rooms: int = Field(
        4, ge=0, le=1000, description="Test calls from browsers at once; one more is refused."
    )
    load_targets: str = Field(
        "", description="Hosts beside this machine that `parley load` may call."
    )
    sip_username: str = Field(min_length=1, description="Digest user of the local trunk.")
    sip_password: SecretStr = Field(min_length=12, description="Digest password of the trunk.")
    trunk_password: SecretStr | None = Field(
        None, description="Digest password that sip.yaml names unless it names another secret."
    )
    engine_key: SecretStr = Field(min_length=16, description="Bearer key of the engines.")
    livekit_api_key: str = Field(
        min_length=1, validation_alias="LIVEKIT_API_KEY", description="LiveKit's key."
    )
    livekit_api_secret: SecretStr = Field(
        min_length=32, validation_alias="LIVEKIT_API_SECRET", description="LiveKit's secret."
    )

    @field_validator("webhook_secret")
    @classmethod
    def _webhooks_are_signed(
        cls, secret: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        if secret is None and info.data.get("webhook_urls"):
            raise ValueError("it is needed where there are PARLEY_WEBHOOK_URLS, to sign them")
        return secret

    @field_validator("bucket_secret_key")
    @classmethod
    def _a_key_has_its_secret(
        cls, secret: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        if (secret is None) != (info.data.get("bucket_access_key") is None):
            raise ValueError("PARLEY_BUCKET_ACCESS_KEY and PARLEY_BUCKET_SECRET_KEY go together")
        return secret

    @field_validator("web_oidc_allowed")
    @classmethod
    def _an_account_has_its_provider(
        cls, allowed: tuple[str, ...], info: ValidationInfo
    ) -> tuple[str, ...]:
        names = ("web_oidc_issuer", "web_oidc_client_id", "web_oidc_client_secret")
        given = [info.data.get(name) is not None for name in names] + [bool(allowed)]
        if any(given) and not all(given):
            raise ValueError(
                "PARLEY_WEB_OIDC_ISSUER, _CLIENT_ID, _CLIENT_SECRET and _ALLOWED go together"
            )
        if all(given) and info.data.get("web_password") is not None:
            raise ValueError("choose one: an OpenID provider, or PARLEY_WEB_PASSWORD")
        return allowed

    @property
    def ledger_url(self) -> str:
        """It may hold a password."""
        if self.ledger is not None:
            return self.ledger.get_secret_value()
        return f"sqlite:///{self.run_dir / 'ledger.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # `load` has merged the environment and the file

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> Self:
        """From `full_environment()`.

        Raises:
            BadSettingsError: a setting is missing, unknown or wrong; names it, never its value.
        """
        given: dict[str, str] = {
            key.removeprefix(PREFIX).lower(): value
            for key, value in environment.items()
            if key.startswith(PREFIX)
        }
        for key in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
            if key in environment:
                given[key] = environment[key]
        try:
            return cls(**given)  # type: ignore[arg-type]  # strings, which pydantic parses
        except ValidationError as error:
            raise BadSettingsError(_sentence(error)) from None


def full_environment() -> dict[str, str]:
    """This process's environment over the file that PARLEY_ENV_FILE names, `.env` by default."""
    file = Path(os.environ.get("PARLEY_ENV_FILE", ROOT / ".env"))
    if not file.exists():
        raise BadSettingsError(f"{file} is missing: `make setup` writes it")
    from_file = {key: value for key, value in dotenv_values(file).items() if value is not None}
    return from_file | os.environ


def _sentence(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    name = str(problem["loc"][0])
    name = name if name.startswith(LIVEKIT_PREFIX) else PREFIX + name.upper()
    match problem["type"]:
        case "missing":
            return f"{name} is not set: `make setup` writes it to .env"
        case "extra_forbidden":
            return f"{name} is not a setting of Parley"
        case _:
            return f"bad setting {name}: {problem['msg']}"


def say(message: str) -> None:
    """To the person at the terminal."""
    sys.stderr.write(f"{message}\n")
