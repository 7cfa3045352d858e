"""What waits in the ledger, for Prometheus."""

from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ledger.backlog import Backlog, read_backlog


class BacklogGauges:
    """Set by `look`; while the ledger does not answer, only `parley_ledger_up` is there."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._up = Gauge("parley_ledger_up", "1 while the ledger answers.", registry=registry)
        self._gauges = {
            name: Gauge(f"parley_{name}", about, labels, registry=registry)
            for name, about, labels in (
                ("ledger_calls", "Calls that go on, by all workers.", ("state",)),
                ("dialler_dials", "Calls to be placed, and being placed.", ("state",)),
                ("dialler_late_seconds", "Lateness of the oldest that is due.", ("state",)),
                ("webhooks_deliveries", "Events to be sent, and those given up.", ("state",)),
                ("webhooks_late_seconds", "Lateness of the oldest that is due.", ("state",)),
            )
        }

    def look(self, engine: Engine, now: datetime) -> None:
        """Blocks for as long as the ledger takes."""
        for gauge in self._gauges.values():
            gauge.clear()
        try:
            found = read_backlog(engine, now)
        except SQLAlchemyError:
            self._up.set(0)
        else:
            self._up.set(1)
            self._show(found)

    def _show(self, found: Backlog) -> None:
        for name, state, value in (
            ("ledger_calls", "live", found.calls),
            ("dialler_dials", "waiting", found.dials_waiting),
            ("dialler_dials", "dialling", found.dials_placed),
            ("dialler_late_seconds", "waiting", found.dials_late),
            ("webhooks_deliveries", "waiting", found.deliveries_waiting),
            ("webhooks_deliveries", "given up", found.deliveries_given_up),
            ("webhooks_late_seconds", "waiting", found.deliveries_late),
        ):
            self._gauges[name].labels(state).set(value)
