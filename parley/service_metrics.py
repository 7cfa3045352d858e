"""What the services beside the stack count. docs/metrics.md lists it; the control API exports it."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from sip.reaper import PATIENCE, Why
from sip.reconcile import Findings


class ServiceMetrics:
    """Registered in a registry of its own, once a `parley up`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._failures = Counter(
            "parley_services_failures",
            "Times that a service failed and was started again.",
            ("service",),
            registry=self.registry,
        )
        self._rooms = Counter(
            "parley_reaper_rooms_ended",
            "Calls that nobody else ended, by why.",
            ("reason",),
            registry=self.registry,
        )
        for why in (*PATIENCE, "too old"):
            self._rooms.labels(why)
        self._restored = Counter(
            "parley_line_restored",
            "Trunks and rules that LiveKit had lost.",
            registry=self.registry,
        )
        self._drift = Gauge(
            "parley_line_drift",
            "Trunks and rules that are not as they were applied.",
            registry=self.registry,
        )
        self._closed = Counter(
            "parley_ledger_calls_closed",
            "Calls whose worker died.",
            registry=self.registry,
        )

    def failed(self, service: str) -> None:
        self._failures.labels(service).inc()

    def room_ended(self, why: Why) -> None:
        self._rooms.labels(why).inc()

    def line(self, findings: Findings) -> None:
        self._restored.inc(len(findings.lost))
        self._drift.set(len(findings.drift))

    def calls_closed(self, count: int) -> None:
        self._closed.inc(count)
