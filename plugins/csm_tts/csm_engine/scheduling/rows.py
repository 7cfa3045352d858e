"""A sentence that is being made, and what the scheduler decides about it. Pure."""

from dataclasses import dataclass
from enum import Enum, auto

from csm_engine.protocol import FRAME_SECONDS
from csm_engine.scheduling.playout import Playout


class State(Enum):
    WAITING = auto()
    """For its first prefill."""
    PREFILLING = auto()
    SPEAKING = auto()
    PAUSED = auto()
    """It is so far ahead of the ear that more would be lost work at a barge-in, or its listener
    takes no more for now."""


@dataclass(frozen=True)
class Limits:
    """
    Args:
        rows: most rows that have work at once; more are refused.
        prefill: most tokens prefilled in a tick.
        least_prefill: tokens of a tick that no deadline of those who speak takes away.
        small_ticks: ticks in a row that may be for first frames alone.
        small: what such a tick may take of the time of a tick for all.
        patience: seconds that a listener may have run dry for before those who have heard nothing
            yet no longer go first.
        early: seconds before its line runs dry that a further sentence should be prefilled, so that
            those who have heard nothing yet do not keep it waiting until then.
        margin: share by which a tick may take longer than predicted, and nobody runs dry.
        pause: seconds ahead at which a row is paused.
        resume: seconds ahead at which it goes on.
        calm: seconds that all rows of a tick must be ahead for paused rows to join it. Rows that
            are made together leave the device idle after, and the next caller finds it so.
        ramp: frames of a stream's first chunks; the last is for all that follow.
        hurry: seconds ahead below which frames are sent without waiting for a whole chunk.
        in_flight: ticks launched and not reported done.
    """

    rows: int = 256
    prefill: int = 512
    least_prefill: int = 64
    small_ticks: int = 2
    small: float = 0.8
    patience: float = 0.25
    early: float = 1.0
    margin: float = 0.25
    pause: float = 2.0
    resume: float = 1.5
    calm: float = 0.5
    ramp: tuple[int, ...] = (1, 1, 2, 4)
    hurry: float = 0.12
    in_flight: int = 2

    def __post_init__(self) -> None:
        if min(self.rows, self.in_flight, self.least_prefill) < 1 or self.small_ticks < 0:
            raise ValueError("rows, in_flight and least_prefill must be at least 1")
        if self.prefill < self.least_prefill:
            raise ValueError("prefill must be at least least_prefill")
        if not 0 <= self.resume < self.pause:
            raise ValueError("resume must be below pause, or a row would flap between them")
        if not self.ramp or min(self.ramp) < 1:
            raise ValueError("ramp needs at least one chunk, of at least one frame")


@dataclass
class Row:
    """`generation` names it for ever: what comes late for a row that is gone finds nothing."""

    generation: int
    playout: Playout
    prompt: int
    arrived: float
    prefilled: int = 0
    in_flight: int = 0
    held: int = 0
    chunks: int = 0
    paused: bool = False
    blocked: bool = False

    @property
    def state(self) -> State:
        if self.prefilled < self.prompt:
            return State.PREFILLING if self.prefilled else State.WAITING
        return State.PAUSED if self.paused or self.blocked else State.SPEAKING

    @property
    def unsent(self) -> float:
        """Seconds of sound that are being made or held."""
        return (self.in_flight + self.held) * FRAME_SECONDS

    @property
    def unheard_of(self) -> bool:
        """Its listener has heard nothing yet, and nothing is under way."""
        return self.playout.silent and not self.unsent

    def lead(self, now: float) -> float:
        """Seconds of sound that were made, or are being made, and not heard yet."""
        return self.playout.ahead(now) + self.unsent

    def slack(self, now: float) -> float:
        """Seconds until the listener runs dry. What is held goes out with the next frame only."""
        return self.lead(now) if self.in_flight else self.playout.ahead(now)

    def deadline(self, now: float, limits: Limits) -> float:
        """When its next frame is due. It stands still while the row is not served, so that the
        earliest deadline first leaves nobody out for ever."""
        if self.unheard_of:
            return self.arrived - limits.patience
        early = limits.early if self.prefilled < self.prompt else 0.0
        return now + self.slack(now) - early

    def pace(self, now: float, limits: Limits) -> None:
        lead = self.lead(now)
        self.paused = lead >= limits.pause or (self.paused and lead > limits.resume)

    def chunk_due(self, now: float, limits: Limits) -> bool:
        wanted = limits.ramp[min(self.chunks, len(limits.ramp) - 1)]
        return self.held >= wanted or self.playout.ahead(now) < limits.hurry

    def take_chunk(self, now: float) -> int:
        """Frames that go out now; the listener's time counts from here."""
        frames, self.held = self.held, 0
        self.chunks += 1
        self.playout.sent(frames * FRAME_SECONDS, now)
        return frames
