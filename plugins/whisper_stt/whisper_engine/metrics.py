"""What a stream counts. The Whisper model counts its decodes apart (whisper/metrics.py)."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)


class Metrics:
    """Registered once a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.flush_to_final = Histogram(
            "parley_whisper_flush_to_final_seconds",
            "From a flush until its final is sent.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.speculative_ready = Histogram(
            "parley_whisper_speculative_ready_seconds",
            "From the last speech, in sound, until the text of a final was there.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._finals = Counter(
            "parley_whisper_finals",
            "Finals sent, by who asked and whether they hold words.",
            ("asked_by", "words"),
            registry=registry,
        )
        self._settled = Counter(
            "parley_whisper_settled",
            "Utterances whose text was wanted, by whether speculation had it already.",
            ("speculated",),
            registry=registry,
        )
        self.late = Counter(
            "parley_whisper_late",
            "Interims and preflights not begun because newer sound was waiting.",
            registry=registry,
        )
        self.audio_seconds = Counter(
            "parley_whisper_audio_seconds", "Sound received.", registry=registry
        )

    def final(self, *, by_client: bool, words: bool) -> None:
        self._finals.labels("client" if by_client else "engine", "yes" if words else "no").inc()

    def settled(self, speculated: bool) -> None:
        self._settled.labels("yes" if speculated else "no").inc()
