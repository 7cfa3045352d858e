"""A collector of traces on a real socket: OTLP over HTTP."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.fakes.http import listening


@dataclass(frozen=True)
class Seen:
    """A span, and who sent it."""

    service: str
    span: Span

    @property
    def trace(self) -> str:
        return self.span.trace_id.hex()


@dataclass
class Collector:
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    """As they came, unpacked: what is in no body left nobody's process."""
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, fact: Callable[[], bool], patience: float = 120.0) -> None:
        async with asyncio.timeout(patience):
            while not fact():
                self._came.clear()
                await self._came.wait()

    def of(self, service: str, name: str) -> list[Seen]:
        return [each for each in self.seen if (each.service, each.span.name) == (service, name)]

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip" and body.startswith(b"\x1f\x8b"):
            body = gzip.decompress(body)
        self.bodies.append(body)
        for part in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {each.key: each.value.string_value for each in part.resource.attributes}
            for scope in part.scope_spans:
                self.seen += [Seen(names["service.name"], span) for span in scope.spans]
        self._came.set()
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(),
            content_type="application/x-protobuf",
        )


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/v1/traces", collector.take)
    async with listening(app) as collector.url:
        yield collector
