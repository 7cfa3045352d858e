"""What the engine's thread counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from csm_engine.endings.ending import FinishReason
from csm_engine.scheduling.ticks import Tick

_SECONDS = (0.002, 0.004, 0.006, 0.008, 0.011, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.16, 0.32)


class Watch:
    """Registered in a registry of its own, once an engine."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._steps = Histogram(
            "parley_csm_step_seconds",
            "A tick that made frames: codes and sound, by the rows of its graph.",
            ("bucket",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._rows = Gauge("parley_csm_rows", "Sentences in the making.", registry=registry)
        self._prefilled = Counter(
            "parley_csm_prefilled_tokens", "Tokens read before a sentence.", registry=registry
        )
        self._ended = Counter(
            "parley_csm_rows_ended",
            "Sentences that ended by themselves, by how.",
            ("reason",),
            registry=registry,
        )
        self._underruns = Counter(
            "parley_csm_underruns",
            "Times that a listener ran dry in the middle of speech.",
            registry=registry,
        )
        self._starved = Counter(
            "parley_csm_starved_seconds", "What they waited for sound then.", registry=registry
        )

    def step(self, tick: Tick, seconds: float, rows: int) -> None:
        if not tick.tokens:
            self._steps.labels(str(tick.bucket)).observe(seconds)
        self._prefilled.inc(tick.tokens)
        self._rows.set(rows)

    def ended(self, reason: FinishReason) -> None:
        self._ended.labels(reason).inc()

    def dry(self, underruns: int, seconds: float) -> None:
        self._underruns.inc(underruns)
        self._starved.inc(seconds)
