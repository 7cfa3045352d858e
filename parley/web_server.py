"""What the control API of this machine works with. To import it takes a second, for FastAPI."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from ledger.database import open_ledger
from parley.applied import livekit_url
from parley.livekit import livekit_at
from parley.outbound import read_line
from parley.ports import Ports
from parley.recordings import shelf_of
from parley.settings import ROOT, Settings
from parley.web_engines import engines_of
from parley.web_entry import LINKS, address, needs_no_login
from parley.wires import Wires, wires_of
from sip.line import Line
from web.server.app import build_app
from web.server.desk import Desk, Twilio
from web.server.engines import HttpEngines
from web.server.entry import Entry
from web.server.keys import KeyFile
from web.server.links import Links
from web.server.oidc import Client, Provider
from web.server.run import open_listener, serve
from web.server.switchboard import LiveKitSwitchboard
from web.server.tickets import Tickets


async def run_server(
    settings: Settings,
    ports: Ports,
    environment: Mapping[str, str],
    keys: KeyFile,
    beside: CollectorRegistry | None,
) -> None:
    """Until cancelled. `beside`: metrics to export besides. Raises `LedgerError` or `ListenError`."""
    wires = wires_of(settings, environment)
    async with _desk(settings, ports, environment, keys, wires) as own:
        desk = replace(own, beside=beside)
        listener = open_listener(settings.web_host, settings.web_port or ports.web)
        app = build_app(desk)
        await serve(app, listener, leaving=app.state.feed.close, pair=wires.pair)


@asynccontextmanager
async def _desk(
    settings: Settings,
    ports: Ports,
    environment: Mapping[str, str],
    keys: KeyFile,
    wires: Wires,
) -> AsyncIterator[Desk]:
    engine = await asyncio.to_thread(open_ledger, settings.ledger_url)
    # A failover would send a REFER that failed twice more.
    livekit = livekit_at(livekit_url(ports, environment), settings, failover=False)
    try:
        async with livekit:
            yield Desk(
                engine=engine,
                switchboard=LiveKitSwitchboard(livekit),
                keys=keys,
                line=lambda: _line(settings.sip_file),
                personas=ROOT / environment.get("AGENT_PERSONAS", "personas"),
                recordings=settings.run_dir / "recordings",
                environment=environment,
                bucket=shelf_of(settings).bucket,
                twilio=_twilio(settings, environment),
                entry=_entry(settings, ports),
                tickets=_tickets(settings, ports, environment),
                pages=ROOT / "web" / "room" / "dist",
                engines=HttpEngines(engines_of(settings, ports, environment), wires.everybody),
            )
    finally:
        engine.dispose()


def _line(file: Path) -> Line | None:
    return read_line(file) if file.exists() else None


def _entry(settings: Settings, ports: Ports) -> Entry:
    return Entry(
        is_open=needs_no_login(settings),
        password=settings.web_password,
        provider=_provider(settings, ports),
        links=Links(settings.run_dir / LINKS),
    )


def _provider(settings: Settings, ports: Ports) -> Provider | None:
    issuer, id_ = settings.web_oidc_issuer, settings.web_oidc_client_id
    if issuer is None or id_ is None or settings.web_oidc_client_secret is None:
        return None
    own = (settings.web_public_url or address(settings, ports)).rstrip("/")
    client = Client(
        issuer=issuer,
        id=id_,
        secret=settings.web_oidc_client_secret,
        allowed=settings.web_oidc_allowed,
        redirect=f"{own}/login/callback",
    )
    return Provider(client)


def _tickets(settings: Settings, ports: Ports, environment: Mapping[str, str]) -> Tickets:
    return Tickets(
        url=settings.web_livekit_url or livekit_url(ports, environment),
        key=settings.livekit_api_key,
        secret=settings.livekit_api_secret,
        most=settings.web_test_rooms,
        persona=settings.persona,
    )


def _twilio(settings: Settings, environment: Mapping[str, str]) -> Twilio | None:
    token = environment.get("TWILIO_AUTH_TOKEN")
    if settings.web_public_url is None or not token:
        return None
    return Twilio(settings.web_public_url, SecretStr(token))
