"""What was sent and what was heard, on one clock.

Both ends of a call are kept as frames with the time of their first sample (seconds of the event loop's clock) and are laid
out sample by sample when the call is over. Nothing here reads a clock.
"""

import wave
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sip.simulate.speech import RATE, Samples

_STEADY = 0.5  # seconds of frames that say when a frame was really there


@dataclass
class Track:
    """Frames of one direction, in order, each with the time at which it was handed over."""

    times: list[float] = field(default_factory=list)
    frames: list[Samples] = field(default_factory=list)
    samples: int = 0

    def add(self, at: float, frame: Samples) -> None:
        self.times.append(at)
        self.frames.append(frame)
        self.samples += frame.size

    def laid_out(self, start: float, seconds: float) -> Samples:
        """The `seconds` from `start` on, silent where no frame was."""
        out = np.zeros(round(seconds * RATE), dtype=np.int16)
        for at, frame in zip(self.times, self.frames, strict=True):
            first = round((at - start) * RATE)
            begin, end = max(first, 0), min(first + frame.size, out.size)
            if begin < end:
                out[begin:end] = frame[begin - first : end - first]
        return out

    def steadied(self) -> "Track":
        """The same frames at the times a steady clock would have delivered them.

        A frame is never early, only late: the loop was busy. The least late of those that follow within half a second
        gives the true time of all; a source that stalls and then goes on later keeps its hole.
        """
        if not self.frames:
            return Track()
        length = np.array([frame.size for frame in self.frames]) / RATE
        nominal = np.concatenate([[0.0], np.cumsum(length)[:-1]])
        window = 1 + round(_STEADY / float(length.mean()))
        late = np.concatenate([np.array(self.times) - nominal, np.full(window - 1, np.inf)])
        least = sliding_window_view(late, window).min(axis=1)
        return Track(list(nominal + least), list(self.frames), self.samples)


@dataclass(frozen=True)
class Recording:
    """A call as the caller had it: equally long, sample n of each at `start + n / RATE`."""

    start: float
    caller: Samples
    agent: Samples

    @classmethod
    def of(cls, sent: Track, heard: Track, start: float, end: float) -> "Recording":
        seconds = max(0.0, end - start)
        return cls(start, sent.laid_out(start, seconds), heard.steadied().laid_out(start, seconds))

    def save(self, path: Path) -> None:
        """A stereo WAV: the caller left, the agent right."""
        write_wave(path, np.stack([self.caller, self.agent], axis=1))


def write_wave(path: Path, samples: Samples, rate: int = RATE) -> None:
    """`samples` (frames, or frames x channels) as a 16-bit WAV."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.ascontiguousarray(samples, dtype="<i2").tobytes())
