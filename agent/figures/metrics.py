"""The worker's metrics. docs/metrics.md lists them."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

from agent.figures.post import Figure

_TURN = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
_CALL = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
_TOOL = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


class Metrics:
    """Registered in a registry of its own, once a worker."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._of_calls: dict[str, Counter | Histogram] = {}
        self._counters()
        self._histograms()
        self.left = Counter(
            "parley_worker_calls_left",
            "Calls left to other workers, for want of a place.",
            registry=self.registry,
        )

    def gauge(self, name: str, about: str, read: Callable[[], float]) -> None:
        """What is read when somebody asks."""
        Gauge(f"parley_worker_{name}", about, registry=self.registry).set_function(read)

    def take(self, figure: Figure) -> None:
        """One more, or so much. Raises ValueError for what is no figure of a call's."""
        metric = self._of_calls.get(figure.name)
        if metric is None:
            raise ValueError("there is no such metric")
        child = metric.labels(**figure.labels) if figure.labels else metric
        if isinstance(child, Counter):
            child.inc(figure.value)
        else:
            child.observe(figure.value)

    def _counters(self) -> None:
        for name, about, labels in (
            ("calls_begun", "Calls taken.", ("direction",)),
            ("calls_ended", "Calls over, by what came of them.", ("direction", "outcome")),
            ("interruptions", "Answers that the caller cut off.", ()),
            (
                "false_interruptions",
                "Stops for a sound that was no turn, and whether the agent went on.",
                ("resumed",),
            ),
            ("apologies", "Times that the agent asked for a moment.", ()),
            ("part_failures", "Failures of ears, mind and voice.", ("part",)),
            ("tool_calls", "Tools used, and whether they failed.", ("failed",)),
            ("stalls", "Holes in the agent's sound, by why.", ("reason",)),
        ):
            self._register(Counter(f"parley_worker_{name}", about, labels, registry=self.registry))

    def _histograms(self) -> None:
        for name, about, labels, buckets in (
            ("turn_seconds", "What a turn took, by part.", ("part",), _TURN),
            ("call_seconds", "How long calls lasted.", (), _CALL),
            ("tool_seconds", "How long tools took.", (), _TOOL),
        ):
            metric = Histogram(
                f"parley_worker_{name}", about, labels, buckets=buckets, registry=self.registry
            )
            self._register(metric)

    def _register(self, metric: Counter | Histogram) -> None:
        self._of_calls[_name(metric)] = metric


def _name(metric: MetricWrapperBase) -> str:
    """Without what all have in common."""
    return next(iter(metric.describe())).name.removeprefix("parley_worker_")
