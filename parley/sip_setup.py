"""What the commands of `parley sip` work with: the line, the settings, and the sides to be changed."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from agent.persona import PersonaError, load_persona
from parley.applied import livekit_client, livekit_url, redis_address
from parley.ports import Ports
from parley.settings import ROOT, BadSettingsError, Settings, full_environment
from parley.wires import wires_of
from sip import bridge
from sip.changes import Change, Side, SideError
from sip.line import Line
from sip.livekit_side import for_line


class Which(StrEnum):
    """In the order of making: LiveKit must take a call before Twilio sends one."""

    BRIDGE = "bridge"
    LIVEKIT = "livekit"
    TWILIO = "twilio"


@dataclass(frozen=True)
class Setup:
    """What a command works with."""

    settings: Settings
    ports: Ports
    environment: Mapping[str, str]
    file: Path
    line: Line

    @classmethod
    def read(cls, file: Path | None) -> Self:
        """Raises `BadSettingsError` or `BadFileError`."""
        environment = full_environment()
        settings = Settings.load(environment)
        refuse_open_secrets(settings.env_file)
        file = (file or settings.sip_file).absolute()
        if not file.exists():
            raise BadSettingsError(f"{file} is missing: sip.example.yaml says what belongs into it")
        ports = Ports.chosen(settings.port_base)
        return cls(settings, ports, environment, file, Line.read(file))

    @asynccontextmanager
    async def sides(
        self, only: Sequence[Which], *, new_password: bool = False
    ) -> AsyncIterator[Sequence[Side]]:
        """Those of `only`, or all. One that lacks a secret says so when it is read."""
        wanted = [which for which in Which if which in only or not only]
        async with livekit_client(self.settings, self.ports, self.environment) as client:
            make: dict[Which, Callable[[], Side]] = {
                Which.BRIDGE: self._bridge,
                Which.LIVEKIT: lambda: for_line(self.line, client, self.environment),
                Which.TWILIO: lambda: self._twilio(new_password),
            }
            yield [_made(which, make[which]) for which in wanted]

    def refuse_unknown_personas(self) -> None:
        """Raises `BadSettingsError`: a number would ring and nobody could answer."""
        folder = ROOT / self.environment.get("AGENT_PERSONAS", "personas")
        for number in self.line.numbers:
            try:
                load_persona(folder, number.persona, self.environment)
            except PersonaError as error:
                raise BadSettingsError(f"{number.number}: {error}") from error

    def _bridge(self) -> Side:
        text = bridge.render(
            self.line,
            livekit_url=livekit_url(self.ports, self.environment),
            redis=wires_of(self.settings, self.environment).redis_at(
                redis_address(self.ports, self.environment)
            ),
            folder=self.file.parent,
        )
        return bridge.BridgeFile(self.file.parent / bridge.NAME, text)

    def _twilio(self, new_password: bool) -> Side:
        from sip.twilio_side import from_environment  # noqa: PLC0415  # a second, for its SDK

        return from_environment(self.line, self.environment, rotate=new_password)


def refuse_open_secrets(file: Path) -> None:
    """Raises `BadSettingsError` when others of this machine may read the file of secrets."""
    if file.is_file() and file.stat().st_mode & 0o077:
        raise BadSettingsError(f"{file} can be read by others: chmod 600 {file}")


class _Unreadable:
    """Stands for a side that cannot be asked."""

    def __init__(self, name: str, why: SideError) -> None:
        self.name = name
        self._why = why

    async def plan(self) -> Sequence[Change]:
        raise self._why

    async def plan_destroy(self) -> Sequence[Change]:
        raise self._why


def _made(which: Which, make: Callable[[], Side]) -> Side:
    try:
        return make()
    except SideError as error:
        return _Unreadable(which.value, error)
