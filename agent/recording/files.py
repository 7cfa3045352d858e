"""Files of stereo sound that are whole or not there: written beside their name, and moved to it."""

import wave
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol, cast

import av

from agent.persona.policies import RecordingKind
from agent.recording.patient import PatientFile
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
    def __init__(self, file: PatientFile, rate: int) -> None:
        self._file = wave.open(cast(IO[bytes], file), "wb")  # noqa: SIM115  # closed by close()
        self._file.setnchannels(2)
        self._file.setsampwidth(2)
        self._file.setframerate(rate)

    def write(self, samples: Samples) -> None:
        """The header tells the length each time: a file that is never closed can be played."""
        self._file.writeframes(samples.tobytes())

    def close(self) -> None:
        self._file.close()


class _Opus:
    def __init__(self, file: PatientFile, rate: int) -> None:
        self._rate = rate
        self._container = av.open(file, "w", format="ogg")
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
_KINDS: dict[RecordingKind, Callable[[PatientFile, int], SoundFile]] = {"opus": _Opus, "wav": _Wav}


def remove(path: Path) -> None:
    """The file and what was written of it, as far as they are there."""
    path.unlink(missing_ok=True)
    _part(path).unlink(missing_ok=True)


def _part(path: Path) -> Path:
    return path.with_name(path.name + UNFINISHED)


class Draft:
    """A file that is not there under its name before `finish`. A disk that is full is waited for.

    Raises OSError, and `av.FFmpegError` where the encoder fails.
    """

    def __init__(self, path: Path, kind: RecordingKind, rate: int) -> None:
        self.path = path
        self._part = _part(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = PatientFile(self._part)
        self._encoder = _KINDS[kind](self._file, rate)
        self._is_encoded = False

    def write(self, samples: Samples) -> None:
        self._encoder.write(samples)

    def finish(self) -> bool:
        """False: the disk is full; it may be asked again."""
        if not self._is_encoded:
            self._encoder.close()
            self._is_encoded = True
        if not self._file.settle():
            return False
        self._file.end()
        self._part.replace(self.path)
        return True
