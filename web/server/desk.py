"""What the routes work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from pydantic import SecretStr
from sqlalchemy import Engine

from ledger.bucket import Bucket
from ledger.recordings import Shelf
from sip.line import Line
from web.server.backlog import BacklogGauges
from web.server.engines import Engines, NoEngines
from web.server.entry import Entry
from web.server.feed import Feed
from web.server.keys import KeyFile
from web.server.limits import Limiter
from web.server.remembered import Remembered
from web.server.switchboard import Switchboard
from web.server.tickets import Tickets
from web.server.waveform import Waveforms


@dataclass(frozen=True)
class Twilio:
    """`public_url` is what Twilio calls this server by, without a path: that is what it signs."""

    public_url: str
    token: SecretStr


class Metrics:
    def __init__(self, feed: Feed) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "parley_web_requests",
            "Requests answered.",
            ("route", "status"),
            registry=self.registry,
        )
        listeners = Gauge(
            "parley_web_listeners", "Clients of the live events.", registry=self.registry
        )
        listeners.set_function(lambda: feed.listeners)
        self.backlog = BacklogGauges(self.registry)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """`line` reads `sip.yaml` anew, or returns None: there is none. It raises `BadFileError`.

    `environment` holds the secrets that personas and the line name. `pages` is what `web/room` was
    built into; without `tickets` there are no test rooms.
    """

    engine: Engine
    switchboard: Switchboard
    keys: KeyFile
    line: Callable[[], Line | None]
    personas: Path
    recordings: Path
    environment: Mapping[str, str]
    twilio: Twilio | None = None
    bucket: Bucket | None = None
    limiter: Limiter = field(default_factory=Limiter)
    now: Callable[[], datetime] = _now
    entry: Entry = field(default_factory=Entry)
    tickets: Tickets | None = None
    pages: Path | None = None
    beside: CollectorRegistry | None = None
    """Metrics of what runs in the same process."""
    engines: Engines = field(default_factory=NoEngines)
    waveforms: Waveforms = field(default_factory=Waveforms)
    remembered: Remembered = field(default_factory=Remembered)

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.recordings, self.bucket)


def _desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _feed_of(request: Request) -> Feed:
    feed: Feed = request.app.state.feed
    return feed


TheDesk = Annotated[Desk, Depends(_desk_of)]
TheFeed = Annotated[Feed, Depends(_feed_of)]
