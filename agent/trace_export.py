"""What of a call's spans may leave the process: no telephone number, whoever put it there."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

SIP = "lk.sip."
"""Begins the names of what the framework copies of a SIP participant: the number that was called,
and headers, which may hold anything."""

NUMBER = re.compile(r"\+\d{5}")


class Reticent(SpanExporter):
    """Exports by another exporter, without attributes that are of SIP or hold a number."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_without_numbers(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _without_numbers(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=allowed(span.attributes),
        events=[Event(each.name, allowed(each.attributes), each.timestamp) for each in span.events],
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def allowed(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Those that may be told."""
    return {
        name: value
        for name, value in (attributes or {}).items()
        if not name.startswith(SIP) and not NUMBER.search(str(value))
    }
