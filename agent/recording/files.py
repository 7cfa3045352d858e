"""Files of stereo sound that are whole or not there: written beside their name, and moved to it."""

import os
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import av

from agent.persona.policies import RecordingKind
from agent.recording.tape import Samples

UNFINISHED = ".part"
"""Ends the name of a file that is being written; what a killed worker leaves can be played to there."""

BITRATE = 32_000


class SoundFile(Protocol):
    def write(self, samples: Samples) -> None:
        """Shape (n, 2)."""
        ...

    def close(self) -> None: ...


class _Wav:
    def __init__(self, path: Path, rate: int) -> None:
        self._file = wave.open(str(path), "wb")  # noqa: SIM115  # closed by close()
        self._file.setnchannels(2)
        self._file.setsampwidth(2)
        self._file.setframerate(rate)

    def write(self, samples: Samples) -> None:
        """The header tells the length each time: a file that is never closed can be played."""
        self._file.writeframes(samples.tobytes())

    def close(self) -> None:
        self._file.close()


class _Opus:
    def __init__(self, path: Path, rate: int) -> None:
        self._rate = rate
        self._container = av.open(str(path), "w", format="ogg")
        self._stream = self._container.add_stream("libopus", rate=rate, layout="stereo")
        self._stream.bit_rate = BITRATE

    def write(self, samples: Samples) -> None:
        if not len(samples):
            return
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = self._rate
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()


SUFFIXES: dict[RecordingKind, str] = {"opus": ".ogg", "wav": ".wav"}
_KINDS: dict[RecordingKind, Callable[[Path, int], SoundFile]] = {"opus": _Opus, "wav": _Wav}


def remove(path: Path) -> None:
    """The file and what was written of it, as far as they are there."""
    path.unlink(missing_ok=True)
    _part(path).unlink(missing_ok=True)


def _part(path: Path) -> Path:
    return path.with_name(path.name + UNFINISHED)


class Draft:
    """A file that is not there under its name before `finish`.

    Raises OSError, and `av.FFmpegError` where the encoder writes.
    """

    def __init__(self, path: Path, kind: RecordingKind, rate: int) -> None:
        self.path = path
        self._part = _part(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self._part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        self._file = _KINDS[kind](self._part, rate)

    def write(self, samples: Samples) -> None:
        self._file.write(samples)

    def finish(self) -> None:
        self._file.close()
        with self._part.open("rb") as written:
            os.fsync(written.fileno())
        self._part.replace(self.path)
