"""What the engine's thread counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from csm_engine.endings.ending import FinishReason

_SECONDS = (0.002, 0.004, 0.006, 0.008, 0.011, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.16, 0.32)

_AHEAD = (0.08, 0.16, 0.32, 0.5, 1.0, 1.5, 2.0, 2.5)


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
        self._first = Histogram(
            "parley_csm_first_sound_seconds",
            "From asking for a sentence to its first sound: waiting for a place, for its words to be"
            " given to the device, for its first frames and their sound.",
            ("part",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._ahead = Histogram(
            "parley_csm_ahead_seconds",
            "What a live listener has still to hear when sound has been sent to it.",
            buckets=_AHEAD,
            registry=registry,
        )
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

    def rows(self, count: int) -> None:
        self._rows.set(count)

    def read(self, tokens: int) -> None:
        self._prefilled.inc(tokens)

    def step(self, bucket: int, seconds: float) -> None:
        self._steps.labels(str(bucket)).observe(seconds)

    def first_sound(self, queue: float, prefill: float, frame: float) -> None:
        self._first.labels("queue").observe(queue)
        self._first.labels("prefill").observe(prefill)
        self._first.labels("frame").observe(frame)

    def ahead(self, seconds: float) -> None:
        self._ahead.observe(seconds)

    def ended(self, reason: FinishReason) -> None:
        self._ended.labels(reason).inc()

    def dry(self, underruns: int, seconds: float) -> None:
        self._underruns.inc(underruns)
        self._starved.inc(seconds)
