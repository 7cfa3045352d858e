"""When a sentence is over, and how its sound begins and ends.

CSM says so itself, with a frame whose codes are zeros, but not always: it may end before it began,
run on in silence or noise, or repeat one frame (csm issue 122, transformers issue 39787). Each row
has one `Ending`, which is told the codes of every frame, then how loud it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

FinishReason = Literal["stop", "length", "silence", "repetition"]
"""The model ended it; the cap on frames did; or nothing but silence, or one frame over and over,
came where speech should be over."""


class Verdict(Enum):
    SEND = auto()
    """The frame is sound that the caller is to hear."""
    SKIP = auto()
    """It is not, but the codec needs it and the sentence goes on."""
    END = auto()
    """It is not, and the sentence is over: `reason` says why."""
    END_AFTER = auto()
    """It is the sentence's last sound."""


@dataclass(frozen=True)
class Guards:
    """Levels in dBFS of a frame's RMS, where a full-scale square wave has 0.

    Args:
        min_frames: frames before which the sampler does not let the model end.
        silence: level below which a frame is silent.
        silent_frames: consecutive silent frames that end it,
        silent_after: once this share of the expected frames was made.
        repeats: consecutive frames with the same codes that end it.
        leading: level below which a frame before the first sound is not sent,
        leading_frames: for this many frames at most.
    """

    min_frames: int = 4
    silence: float = -45.0
    silent_frames: int = 9
    silent_after: float = 0.6
    repeats: int = 6
    leading: float = -55.0
    leading_frames: int = 3

    def __post_init__(self) -> None:
        if self.silent_frames < 1 or self.repeats <= 1:
            raise ValueError("silent_frames must be at least 1 and repeats at least 2")
        if min(self.min_frames, self.leading_frames) < 0:
            raise ValueError("min_frames and leading_frames must not be negative")
        if not 0 <= self.silent_after <= 1:
            raise ValueError("silent_after is a share, in 0…1")


class Ending:
    """Of one sentence. `codes` for each frame in order, then `sound` unless it was no sound."""

    def __init__(self, expected: int, most: int, guards: Guards | None = None) -> None:
        """`expected` frames by the text's length, `most` frames in any case; at least 1 each."""
        if expected < 1 or most < 1:
            raise ValueError("a sentence is expected to have at least one frame, and allowed one")
        self._guards = guards or Guards()
        self._expected = min(expected, most)
        self._most = most
        self.reason: FinishReason | None = None
        self.frames = 0
        """Of sound or silence; the end's own does not count."""
        self._last: tuple[int, ...] | None = None
        self._alike = 1
        self._silent = 0
        self._sent = False
        self._skipped = 0

    def codes(self, frame: Sequence[int]) -> Verdict:
        """A frame's codes, codebook 0 first. SEND and END_AFTER: decode it and ask `sound`.

        Raises RuntimeError when the sentence is over.
        """
        if self.reason is not None:
            raise RuntimeError(f"the sentence is over ({self.reason})")
        codes = tuple(frame)
        if is_end(codes):
            return self._end("stop")
        self.frames += 1
        self._alike = self._alike + 1 if codes == self._last else 1
        self._last = codes
        if self._alike >= self._guards.repeats:
            return self._end("repetition")
        return Verdict.SEND

    def sound(self, level: float) -> Verdict:
        """How loud the frame is that `codes` saw last, in dBFS: SEND, SKIP, END or END_AFTER."""
        if self._leads(level):
            self._skipped += 1
            verdict = Verdict.SKIP
        else:
            self._sent = True
            verdict = Verdict.SEND
        self._silent = self._silent + 1 if level < self._guards.silence else 0
        due = self.frames >= self._guards.silent_after * self._expected
        if self._silent >= self._guards.silent_frames and due:
            return self._end("silence")
        if self.frames >= self._most:
            self.reason = "length"
            return Verdict.END if verdict is Verdict.SKIP else Verdict.END_AFTER
        return verdict

    def _leads(self, level: float) -> bool:
        room = self._skipped < self._guards.leading_frames
        return not self._sent and room and level < self._guards.leading

    def _end(self, reason: FinishReason) -> Verdict:
        self.reason = reason
        return Verdict.END


def is_end(codes: Sequence[int]) -> bool:
    """Whether a frame ends its sentence: zeros in all codebooks but the last, which does not count
    (as in transformers' `generate`)."""
    return not any(codes[:-1])
