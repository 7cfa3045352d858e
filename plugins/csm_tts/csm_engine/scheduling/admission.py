"""Whether one more stream fits. Pure.

A frame lasts 80 ms; a round of frames for all streams may take half of that, and the rest is for
prefills and what cannot be foreseen.
"""

from dataclasses import dataclass

from csm_engine.scheduling.step_times import StepTimes


@dataclass(frozen=True)
class AdmissionLimits:
    """
    Args:
        budget: seconds that a frame of every stream, codec included, may take.
        reopen: share of the budget below which streams are admitted again after a refusal.
        streams: at most so many, however quick the machine.
        retry_after: whole seconds that a refused client should wait; a sentence is as long.
    """

    budget: float = 0.040
    reopen: float = 0.9
    streams: int = 256
    retry_after: int = 2

    def __post_init__(self) -> None:
        if self.budget <= 0 or not 0 < self.reopen <= 1:
            raise ValueError("the budget must be above 0 and reopen in 0…1 of it")
        if self.streams < 1 or self.retry_after < 1:
            raise ValueError("streams and retry_after must be at least 1")


@dataclass(frozen=True)
class Refusal:
    """`retry_after` in whole seconds, as the HTTP header has it."""

    reason: str
    retry_after: int


class Admission:
    """Refuses what would make those who speak already run dry.

    The first stream always fits the time: a machine too slow for one has nobody to protect.
    """

    def __init__(self, times: StepTimes, limits: AdmissionLimits | None = None) -> None:
        self._times = times
        self._limits = limits or AdmissionLimits()
        self._closed = False

    def ask(self, streams: int, pages_needed: int, pages_free: int) -> Refusal | None:
        """None: one more fits beside `streams`. Having refused for want of time, it refuses until
        there is a margin, so that a stream at the edge is not let in and out."""
        if pages_needed > pages_free:
            return self._refusal(f"{pages_needed} KV pages are needed, {pages_free} are free")
        if streams >= self._limits.streams:
            return self._refusal(f"all {self._limits.streams} streams are taken")
        share = self._limits.reopen if self._closed else 1.0
        seconds = self._times.round(streams + 1)
        self._closed = streams > 0 and seconds > share * self._limits.budget
        if self._closed:
            return self._refusal(
                f"a frame for {streams + 1} streams would take {1000 * seconds:.0f} ms"
            )
        return None

    def capacity(self) -> int:
        """Streams that fit, by the steps measured so far. At least 1."""
        count = 1
        while count < self._limits.streams:
            if self._times.round(count + 1) > self._limits.budget:
                break
            count += 1
        return count

    def _refusal(self, reason: str) -> Refusal:
        return Refusal(reason, self._limits.retry_after)
