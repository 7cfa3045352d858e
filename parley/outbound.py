"""What `parley call` and the dialler of `parley up` work with: the line, the queue, and LiveKit."""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from agent.config import AGENT_NAME
from agent.yaml_file import BadFileError
from ledger.database import LedgerError, open_ledger
from parley.applied import livekit_url
from parley.livekit import livekit_at
from parley.ports import Ports
from parley.settings import Settings
from sip.line import Line
from sip.outbound.dialler import Dialler
from sip.outbound.hours import NoZoneError
from sip.outbound.place import LiveKitExchange
from sip.outbound.queue import Queue

logger = logging.getLogger(__name__)


def read_line(file: Path) -> Line:
    """With its list of numbers found from the folder of `file`. Raises `BadFileError`."""
    line = Line.read(file)
    if (listed := line.outbound.do_not_call) is None:
        return line
    outbound = line.outbound.model_copy(update={"do_not_call": file.absolute().parent / listed})
    return line.model_copy(update={"outbound": outbound})


@asynccontextmanager
async def open_queue(settings: Settings) -> AsyncIterator[Queue]:
    """As a claimant of its own. Raises `ledger.database.LedgerError`."""
    settings.run_dir.mkdir(parents=True, exist_ok=True)
    engine = await asyncio.to_thread(open_ledger, settings.ledger_url)
    try:
        yield Queue(engine, f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}")
    finally:
        engine.dispose()


@asynccontextmanager
async def open_dialler(
    line: Line,
    queue: Queue,
    settings: Settings,
    environment: Mapping[str, str],
    trunk_id: str | None = None,
) -> AsyncIterator[Dialler]:
    """By the line's own trunk, or that of `trunk_id`. Raises `NoZoneError`."""
    url = livekit_url(Ports.chosen(settings.port_base), environment)
    # A failover would place a call that failed twice more.
    async with livekit_at(url, settings, failover=False) as livekit:
        exchange = LiveKitExchange(livekit, line.title, AGENT_NAME, trunk_id=trunk_id)
        yield Dialler(line, queue, exchange)


async def dial_from_the_queue(settings: Settings, environment: Mapping[str, str]) -> None:
    """The service: until cancelled, if `sip.yaml` says how we call others."""
    if not settings.sip_file.exists():
        return
    try:
        line = read_line(settings.sip_file)
        if "outbound" not in line.model_fields_set:
            return
        async with (
            open_queue(settings) as queue,
            open_dialler(line, queue, settings, environment) as dialler,
        ):
            await dialler.run()
    except (BadFileError, LedgerError, NoZoneError) as error:
        logger.error("nobody is called until `parley up` is started again", extra={"why": error})  # noqa: TRY400
