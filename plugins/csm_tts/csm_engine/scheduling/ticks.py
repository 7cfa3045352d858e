"""What the scheduler asks of the device, and what it makes of the answer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Prefill:
    """`tokens` of a row's prompt from `start`; `last` when the prompt is then whole."""

    generation: int
    start: int
    tokens: int
    last: bool


@dataclass(frozen=True)
class Tick:
    """First prefill, then one frame for each of `rows`.

    `bucket` is the graph that holds them, 0 when there are none. A tick without work names, in
    `wake_at`, when there will be some unless a row comes before; None: nothing is foreseen.
    """

    number: int
    prefills: tuple[Prefill, ...] = ()
    rows: tuple[int, ...] = ()
    bucket: int = 0
    wake_at: float | None = None

    @property
    def tokens(self) -> int:
        return sum(prefill.tokens for prefill in self.prefills)

    @property
    def idle(self) -> bool:
        return not self.prefills and not self.rows


@dataclass(frozen=True)
class Send:
    """The next `frames` frames of a row, made and not sent before. `last`: it has no more."""

    generation: int
    frames: int
    last: bool = False


@dataclass(frozen=True)
class Outcome:
    """`kept`: rows whose frame is sound to be held until a `Send` names it. Whatever else the tick
    made is of rows that are gone, or was said to be no sound: it is dropped."""

    kept: tuple[int, ...]
    sends: tuple[Send, ...]
