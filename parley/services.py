"""What runs beside the parts while the stack is up: it watches and tidies, and no call needs it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from parley import ledger_keeper, recordings, redis_keeper, web, webhooks
from parley.abandoned import Abandoned
from parley.applied import livekit_client, reconciler
from parley.outbound import dial_from_the_queue
from parley.ports import Ports
from parley.service_metrics import ServiceMetrics
from parley.settings import Settings
from parley.wires import wires_of
from sip import reaper

logger = logging.getLogger(__name__)

Service = Callable[[], Awaitable[None]]
"""Runs until it is cancelled."""

MAX_AGE = 86_400.0
"""Seconds. The longest that a persona may let a call last."""

AGAIN = 5.0
"""Seconds after which a service that failed is started again."""


def build_services(
    settings: Settings, ports: Ports, environment: Mapping[str, str]
) -> Mapping[str, Service]:
    """By name. What they count is exported by the control API."""
    metrics = ServiceMetrics()

    async def reap() -> None:
        async with livekit_client(settings, ports, environment) as client:
            abandoned = Abandoned(settings.ledger_url).rooms
            await reaper.run(client, MAX_AGE, metrics.room_ended, abandoned)

    services: dict[str, Service] = {
        "reaper": reap,
        "line": reconciler(settings, ports, found=metrics.line).run,
        "dialler": partial(dial_from_the_queue, settings, environment),
        "webhooks": partial(webhooks.tell, settings),
        "web": partial(web.run, settings, ports, environment, metrics.registry),
        "ledger": ledger_keeper.keeper(settings.ledger_url, metrics.calls_closed),
        "recordings": recordings.courier(settings),
        "redis": redis_keeper.keeper(
            ports.redis, wires_of(settings, environment).client, settings.run_dir / "redis"
        ),
    }
    return {name: counted(name, service, metrics.failed) for name, service in services.items()}


def counted(name: str, service: Service, failed: Callable[[str], None]) -> Service:
    """The same service, whose failures are told."""

    async def run() -> None:
        try:
            await service()
        except Exception:
            failed(name)
            raise

    return run


async def run_services(services: Mapping[str, Service]) -> None:
    """Until cancelled. One that fails ends neither the others nor any call."""
    async with asyncio.TaskGroup() as group:
        for name, service in services.items():
            group.create_task(_kept_up(name, service))
        await asyncio.Event().wait()


async def _kept_up(name: str, service: Service) -> None:
    while True:
        try:
            return await service()
        except Exception:
            logger.exception("a service failed", extra={"service": name})
        await asyncio.sleep(AGAIN)
