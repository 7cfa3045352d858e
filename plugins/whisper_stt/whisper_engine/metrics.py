"""What the engine counts."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


class Metrics:
    """Registered once a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.flush_to_final = Histogram(
            "parley_whisper_flush_to_final_seconds",
            "From a flush until its final is sent.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.finals = Counter(
            "parley_whisper_finals",
            "Finals sent, by who asked and whether they hold words.",
            ("asked_by", "words"),
            registry=registry,
        )
        self.dropped_interims = Counter(
            "parley_whisper_dropped_interims",
            "Interims and preflights not made because newer sound was waiting.",
            registry=registry,
        )
        self.audio_seconds = Counter(
            "parley_whisper_audio_seconds", "Sound received.", registry=registry
        )
