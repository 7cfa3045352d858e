"""deploy/compose.yaml as the Compose Specification has it, as far as it is used here."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "compose.yaml"
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_0-9]+)(?::(?P<kind>[-?])(?P<word>[^}]*))?\}")

Duration = Annotated[str, Field(pattern=r"^(\d+h)?(\d+m)?(\d+s)?$", min_length=2)]
Image = Annotated[str, Field(pattern=r"^[a-z0-9./-]+(:[a-z0-9.-]+)?$")]
Mount = Annotated[str, Field(pattern=r"^[^:]+:/[^:]*(:ro)?$")]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Build(Strict):
    context: str
    dockerfile: str
    target: str


class Health(Strict):
    test: list[str]
    interval: Duration
    start_period: Duration = "0s"


class Awaited(Strict):
    condition: Literal["service_started", "service_healthy"]


class Device(Strict):
    driver: Literal["nvidia"]
    count: Literal["all"]
    capabilities: list[Literal["gpu"]]


class Reservations(Strict):
    devices: list[Device]


class Resources(Strict):
    reservations: Reservations


class Deploy(Strict):
    resources: Resources


class Service(Strict):
    profiles: Annotated[list[Literal["rehearsal", "cpu", "gpu", "observe"]], Field(min_length=1)]
    image: Image
    build: Build | None = None
    user: str | None = None
    entrypoint: list[str] = []
    command: list[str] | str = []
    environment: dict[str, str] = {}
    env_file: list[str] = []
    volumes: list[Mount] = []
    depends_on: dict[str, Awaited] = {}
    healthcheck: Health | None = None
    network_mode: Literal["host"]
    ipc: Literal["host"] | None = None
    restart: Literal["unless-stopped"]
    read_only: bool = False
    tmpfs: list[str] = []
    cap_drop: list[Literal["ALL"]] = []
    security_opt: list[Literal["no-new-privileges:true"]] = []
    stop_signal: Literal["SIGINT", "SIGTERM"] = "SIGTERM"
    stop_grace_period: Duration = "10s"
    deploy: Deploy | None = None


class Compose(Strict):
    name: str
    services: dict[str, Service]
    volumes: dict[str, None]


def read(environment: Mapping[str, str]) -> Compose:
    """With its variables filled in. Raises KeyError for one that is required and not there."""
    raw = _filled(yaml.safe_load(FILE.read_text()), environment)
    return Compose.model_validate({k: v for k, v in raw.items() if not k.startswith("x-")})


def required() -> set[str]:
    return {found["name"] for found in VARIABLE.finditer(FILE.read_text()) if found["kind"] == "?"}


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    """Compose fills variables in when it has read the YAML, so that each stays a string."""
    match value:
        case str():
            return VARIABLE.sub(lambda found: _value(found, environment), value)
        case dict():
            return {key: _filled(each, environment) for key, each in value.items()}
        case list():
            return [_filled(each, environment) for each in value]
        case _:
            return value


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    value = environment.get(found["name"], "")
    if found["kind"] == "?" and not value:
        raise KeyError(found["name"])
    return value or ((found["word"] or "") if found["kind"] == "-" else "")
