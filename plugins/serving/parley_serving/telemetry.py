"""Spans of what an engine does for a call, joined to the call's trace (W3C `traceparent`).

Nothing is made, and nothing imported, unless OTEL_EXPORTER_OTLP_ENDPOINT names a collector and the
extra `telemetry` is installed. Attributes are figures and kinds, never what somebody said.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

logger = logging.getLogger(__name__)

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PARENT = "traceparent"

EXPORT_SECONDS = 2
"""What a collector may take to accept spans; stopping waits for no more than that."""

Attribute = str | int | float | bool


class Span(Protocol):
    def happened(self, event: str) -> None: ...
    def note(self, **attributes: Attribute) -> None: ...


class Tracing:
    """Of one engine, whose spans go to `provider`."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("parley")

    @contextmanager
    def joined(self, headers: Mapping[str, str]) -> Iterator[None]:
        """Inside, and in tasks begun inside, `span` adds to the trace that the headers name."""
        from opentelemetry.trace import get_current_span  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        context = TraceContextTextMapPropagator().extract({PARENT: headers.get(PARENT, "")})
        if not get_current_span(context).get_span_context().is_valid:
            yield
            return
        token = _call.set((self._tracer, context))
        try:
            yield
        finally:
            _call.reset(token)

    def close(self) -> None:
        """Sends what is left. Blocks for as long as a collector may take."""
        self._provider.shutdown()


_call: ContextVar["tuple[trace.Tracer, Context] | None"] = ContextVar("call", default=None)


@contextmanager
def span(name: str, **attributes: Attribute) -> Iterator[Span]:
    """Of the call whose session this is; nothing where there is none."""
    joined = _call.get()
    if joined is None:
        yield _NOTHING
        return
    tracer, context = joined
    made = tracer.start_span(name, context, attributes=attributes)
    try:
        yield _Made(made)
    finally:
        made.end()


def tracing(service: str, environment: Mapping[str, str]) -> Tracing | None:
    """As the environment has it. `service` is the name that the collector shows."""
    made = provider(service, environment)
    return Tracing(made) if made else None


def provider(
    service: str,
    environment: Mapping[str, str],
    by: "Callable[[SpanExporter], SpanExporter]" = lambda exporter: exporter,
) -> "TracerProvider | None":
    """Of spans that go to the environment's collector, if it names one. To be shut down.

    `by` may put something between, which sees all before it leaves.
    """
    if not (url := environment.get(ENDPOINT)):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        logger.warning("there are no traces: install parley-serving with its extra `telemetry`")
        return None
    made = TracerProvider(resource=Resource.create({SERVICE_NAME: service}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{url.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
    made.add_span_processor(BatchSpanProcessor(by(exporter)))
    return made


class _Nothing:
    def happened(self, event: str) -> None:
        pass

    def note(self, **attributes: Attribute) -> None:
        pass


_NOTHING = _Nothing()


class _Made:
    def __init__(self, made: "trace.Span") -> None:
        self._made = made

    def happened(self, event: str) -> None:
        self._made.add_event(event)

    def note(self, **attributes: Attribute) -> None:
        self._made.set_attributes(attributes)
