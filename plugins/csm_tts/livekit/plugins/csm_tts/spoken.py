"""What one stream has said, and how much of that reached the ear. Pure."""

from dataclasses import dataclass

from livekit.plugins.csm_tts.budget import Budget

from csm_engine.protocol import InputCancel


@dataclass(frozen=True)
class _Part:
    utterance: str
    start: float


class Spoken:
    """Positions are seconds of the stream's own sound.

    A stream has more than one utterance only where it lost an engine on the way.
    """

    def __init__(self, budget: Budget, generation: int = 0) -> None:
        self.budget = budget
        self.generation = generation
        """How many speeches its session had created when it began."""
        self.captured: float | None = None
        """Seconds that an output took; None while none is watched."""
        self.heard = 0.0
        """Seconds that have been played for certain."""
        self.over = False
        """Whether the stream has ended: no more of it will be taken."""
        self._cut: float | None = None
        self._parts: list[_Part] = []

    @property
    def uncaptured(self) -> float:
        """Seconds that were taken of the stream and have not come to the output."""
        return 0.0 if self._cut is not None else self.budget.taken - (self.captured or 0.0)

    def begin(self, utterance: str) -> None:
        self._parts.append(_Part(utterance, self.budget.pushed))

    def played(self, utterance: str) -> float:
        """Seconds of the utterance that can have been heard, as far as anybody knows by now."""
        limit = self.budget.taken if self.captured is None else self.captured
        if self._cut is not None:
            limit = min(limit, self._cut)
        start = next(part.start for part in self._parts if part.utterance == utterance)
        return max(0.0, limit - start)

    def cut(self, heard: float) -> list[InputCancel]:
        """No more than `heard` seconds were played: what the engine must be told of that."""
        self._cut = heard
        if heard >= self.budget.pushed:
            return []
        ends = [part.start for part in self._parts[1:]] + [float("inf")]
        return [
            InputCancel(utterance=part.utterance, played_ms=_ms(heard - part.start))
            for part, end in zip(self._parts, ends, strict=True)
            if heard < end
        ]


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
