"""Traces of calls, by the framework's own tracer, where OTEL_EXPORTER_OTLP_ENDPOINT names a
collector. What callers say, and who they are, is taken out before anything leaves the process.
"""

from collections.abc import Mapping
from multiprocessing.util import Finalize
from typing import Any

import aiohttp

from parley_serving.telemetry import ENDPOINT, provider

BEFORE_OTHERS = 10
"""Priority among what a process does when it ends."""


def set_up(environment: Mapping[str, str]) -> None:
    """In a call's process, before its call. The spans that are left go out when the process ends,
    which a collector that does not answer delays by seconds: the caller is gone by then."""
    if not environment.get(ENDPOINT):
        return
    from livekit.agents import telemetry  # noqa: PLC0415

    from agent.trace_export import Reticent  # noqa: PLC0415

    made = provider("parley-worker", environment, by=Reticent)
    if made is None:
        return

    telemetry.set_tracer_provider(made, allow_pii=False)
    # A process of `multiprocessing` runs no atexit handlers.
    Finalize(None, made.shutdown, exitpriority=BEFORE_OTHERS)


def told_to_engines(environment: Mapping[str, str]) -> list[aiohttp.TraceConfig]:
    """For a client's session: each request carries the `traceparent` of who makes it."""
    if not environment.get(ENDPOINT):
        return []
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
        TraceContextTextMapPropagator,
    )

    async def add(
        _: aiohttp.ClientSession, __: Any, asked: aiohttp.TraceRequestStartParams
    ) -> None:
        TraceContextTextMapPropagator().inject(asked.headers)

    config = aiohttp.TraceConfig()
    config.on_request_start.append(add)
    return [config]
