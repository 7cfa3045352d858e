"""What decodes cost and how they ended."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from whisper_engine.model import Kind
from whisper_engine.whisper.batcher import Drop

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_SIZES = (1, 2, 3, 4, 6, 8, 12, 16)


class DecodeMetrics:
    """Registered once a process; an Observer of the batcher."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._queue = Histogram(
            "parley_whisper_queue_seconds",
            "From asking for a decode until a worker took it.",
            ("kind",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._batch_seconds = Histogram(
            "parley_whisper_batch_seconds",
            "What a batch took.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._batch_size = Histogram(
            "parley_whisper_batch_size", "Decodes in a batch.", buckets=_SIZES, registry=registry
        )
        self._frames = Counter(
            "parley_whisper_decodes",
            "Decodes asked for, by the length of the encoder's input in mel frames.",
            ("kind", "frames"),
            registry=registry,
        )
        self._dropped = Counter(
            "parley_whisper_dropped",
            "Decodes that were not run.",
            ("kind", "reason"),
            registry=registry,
        )
        self._fallback = Counter(
            "parley_whisper_fallback",
            "Second decodes with the full length, by what was wrong with the first.",
            ("reason",),
            registry=registry,
        )
        self._doubted = Counter(
            "parley_whisper_doubted",
            "Texts emptied, or kept in spite of a doubt, by the guard.",
            ("verdict", "reason"),
            registry=registry,
        )

    def queued(self, kind: Kind, seconds: float) -> None:
        self._queue.labels(kind.name.lower()).observe(seconds)

    def ran(self, size: int, seconds: float) -> None:
        self._batch_size.observe(size)
        self._batch_seconds.observe(seconds)

    def dropped(self, kind: Kind, reason: Drop) -> None:
        self._dropped.labels(kind.name.lower(), reason).inc()

    def asked(self, kind: Kind, frames: int) -> None:
        self._frames.labels(kind.name.lower(), str(frames)).inc()

    def fell_back(self, reason: str) -> None:
        self._fallback.labels(reason).inc()

    def doubted(self, verdict: str, reason: str) -> None:
        self._doubted.labels(verdict, reason).inc()
