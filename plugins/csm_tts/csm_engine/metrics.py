"""What the engine counts."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from csm_engine.protocol import FinishReason

_FIRST_FRAME_BUCKETS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56)


class Metrics:
    """Registered once a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._first_frame = Histogram(
            "parley_csm_first_frame_seconds",
            "From a sentence's turn to speak until its first frame.",
            buckets=_FIRST_FRAME_BUCKETS,
            registry=registry,
        )
        self._sentences = Counter(
            "parley_csm_sentences",
            "Sentences ended, by how.",
            ("finish_reason",),
            registry=registry,
        )

    def first_frame(self, seconds: float) -> None:
        self._first_frame.observe(seconds)

    def sentence(self, reason: FinishReason) -> None:
        self._sentences.labels(reason).inc()
