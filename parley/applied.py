"""What `parley sip apply` made last, and where: that is kept, not what `sip.yaml` says by now."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from livekit import api

from agent.yaml_file import BadFileError
from parley.livekit import livekit_at
from parley.ports import Ports
from parley.probes import HOST
from parley.settings import BadSettingsError, Settings, full_environment
from sip.bridge import write_whole
from sip.changes import SideError
from sip.line import Line
from sip.livekit_side import LiveKitSide, for_line
from sip.reconcile import Findings, Reconciler


class Applied:
    """A copy of `sip.yaml` among the data of this machine; it holds no secret."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.run_dir / "sip.applied.yaml"

    def record(self, file: Path) -> None:
        """Raises `SideError`. Comes before the first change: what is half done is finished."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, file.read_text(encoding="utf-8"))
        except OSError as error:
            raise SideError(f"{self.path} cannot be written: {error}") from error

    def forget(self) -> None:
        """Comes before the first removal: what is removed shall not come back."""
        self.path.unlink(missing_ok=True)

    def line(self) -> Line | None:
        """Raises `SideError`."""
        if not self.path.exists():
            return None
        try:
            return Line.read(self.path)
        except BadFileError as error:
            raise SideError(f"{error}: run `parley sip apply` again") from error


def livekit_url(ports: Ports, environment: Mapping[str, str]) -> str:
    """That of `parley up`, unless another is named."""
    return environment.get("LIVEKIT_URL") or ports.livekit_url


def redis_address(ports: Ports, environment: Mapping[str, str]) -> str:
    """HOST:PORT of LiveKit's redis: that of `parley up`, unless another is named."""
    return environment.get("LIVEKIT_REDIS") or f"{HOST}:{ports.redis}"


def livekit_client(
    settings: Settings, ports: Ports, environment: Mapping[str, str]
) -> api.LiveKitAPI:
    return livekit_at(livekit_url(ports, environment), settings)


def reconciler(
    settings: Settings,
    ports: Ports,
    read_environment: Callable[[], Mapping[str, str]] = full_environment,
    found: Callable[[Findings], None] = lambda _: None,
) -> Reconciler:
    """Of the line that was applied last, while there is one.

    The environment is read each time: a new password is put there before it is applied.
    """

    @asynccontextmanager
    async def open_side() -> AsyncIterator[LiveKitSide | None]:
        if not (line := Applied(settings).line()):
            yield None
            return
        try:
            environment = read_environment()
        except BadSettingsError as error:
            raise SideError(str(error)) from error
        async with livekit_client(settings, ports, environment) as client:
            yield for_line(line, client, environment)

    return Reconciler(open_side, found)
