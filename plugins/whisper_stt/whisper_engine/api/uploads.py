"""An uploaded file of any usual container to the engine's sound, in pieces: never held as a whole."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import av
from av.container import InputContainer
from av.error import FFmpegError

from whisper_engine.api.errors import ApiError
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.resampling import RATES, Resampler

PIECE = 10 * SAMPLE_RATE
"""Samples: a piece is at least as long, but for the last, and a frame of the codec longer at most."""

_CONTAINERS = "aac,ac3,aiff,amr,au,caf,flac,matroska,mov,mp3,mpeg,mpegts,ogg,w64,wav"
"""Those that hold sound in themselves: a playlist would have the engine open other addresses."""
_FRAMED = {"aac", "mp3", "ogg"}
"""Each frame stands for itself, so that a damaged one can be passed over, and a part is a whole."""
_OTHER_RATE = 48_000
_LEAST_RATE = 1_000
"""Hz. Below it a few bytes would stand for hours."""
_UNKNOWN_LENGTHS = {b"\0\0\0\0", b"\xff\xff\xff\xff"}


class UploadError(ApiError):
    """The file cannot be heard; the message says why. `status`: 400, 413 or 415."""


@dataclass(frozen=True)
class Limits:
    """`size` in bytes and `seconds` of sound are of one upload, `at_once` is how many are served."""

    size: int = 200_000_000
    seconds: float = 4 * 3600
    at_once: int = 4


def pieces(file: BinaryIO, limits: Limits) -> Generator[bytes, None, None]:
    """s16le, mono, 16 kHz. Blocks: for a thread.

    Raises UploadError, for a file that breaks off or is too long after what comes before that.
    """
    head = file.read(8)
    if not head:
        raise UploadError(400, "empty_file", "the file is empty: send one with sound", "file")
    streamed = head[:4] == b"RIFF" and head[4:] in _UNKNOWN_LENGTHS
    file.seek(0)
    with _opened(file) as container:
        yield from _Reading(container, limits, streamed).pieces()


def _opened(file: BinaryIO) -> InputContainer:
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}
    try:
        return av.open(file, "r", options=options, metadata_errors="ignore")
    except (FFmpegError, ValueError) as error:
        message = "no sound file, or not all of it: send wav, mp3, flac, ogg, m4a or webm"
        raise UploadError(415, "unsupported_file", message, "file") from error


def _unsupported(why: str) -> UploadError:
    message = f"{why}: send wav, mp3, flac, ogg, m4a or webm, mono or stereo"
    return UploadError(415, "unsupported_file", message, "file")


class _Reading:
    """One pass over a container's first sound. `streamed`: a WAV that was written without knowing
    how long it would be."""

    def __init__(self, container: InputContainer, limits: Limits, streamed: bool) -> None:
        if not container.streams.audio:
            raise UploadError(415, "no_sound", "there is no sound in this file", "file")
        self._container = container
        self._stream = container.streams.audio[0]
        if self._stream.codec_context is None:
            raise _unsupported("its sound is in a codec that is not known here")
        self._limits = limits
        self._streamed = streamed
        self._framed = container.format.name in _FRAMED
        rate = self._stream.rate if self._stream.rate in RATES else _OTHER_RATE
        self._mono = av.AudioResampler(format="s16", layout="mono", rate=rate)
        self._resampler = Resampler(rate)
        self._heard = 0

    def pieces(self) -> Iterator[bytes]:
        gathered = bytearray()
        for pcm in self._sound():
            self._heard += len(pcm) // 2
            if self._heard > self._limits.seconds * SAMPLE_RATE:
                hours = self._limits.seconds / 3600
                message = f"the sound is longer than {hours:g} h: send it in parts"
                raise UploadError(413, "too_long", message, "file")
            gathered += pcm
            if len(gathered) >= 2 * PIECE:
                yield bytes(gathered)
                gathered.clear()
        if not self._heard:
            raise UploadError(400, "empty_file", "the file holds no sound", "file")
        if gathered:
            yield bytes(gathered)
        self._check_whole()

    def _sound(self) -> Iterator[bytes]:
        for frame in self._frames():
            for mono in self._mixed(frame):
                yield self._resampler.push(bytes(mono.planes[0])[: 2 * mono.samples])
        yield self._resampler.flush()

    def _mixed(self, frame: av.AudioFrame | None) -> list[av.AudioFrame]:
        if frame is not None and frame.sample_rate < _LEAST_RATE:
            raise _unsupported(f"{frame.sample_rate} Hz is less than any sound has")
        try:
            return self._mono.resample(frame)
        except FFmpegError as error:
            raise _unsupported("its channels cannot be mixed to one") from error
        except ValueError as error:  # its format changes on the way
            raise self._broken() from error

    def _frames(self) -> Iterator[av.AudioFrame | None]:
        try:
            for packet in self._container.demux(self._stream):
                if packet.is_corrupt and not self._streamed:
                    raise self._broken()
                try:
                    yield from packet.decode()
                except FFmpegError:
                    if not self._framed:
                        raise
            yield None
        except (FFmpegError, ValueError) as error:
            raise self._broken() from error

    def _check_whole(self) -> None:
        """Raises UploadError when the container promises clearly more than was there."""
        if self._framed or self._streamed:
            return
        if self._heard / SAMPLE_RATE < 0.98 * self._promised() - 0.2:
            raise self._broken()

    def _promised(self) -> float:
        """Seconds; 0 where the container does not tell the sound's own length."""
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        if self._container.duration and not self._container.streams.video:
            return self._container.duration / av.time_base
        return 0.0

    def _broken(self) -> UploadError:
        seconds = self._heard / SAMPLE_RATE
        message = f"the file breaks off or is damaged after {seconds:.1f} s: send it whole"
        return UploadError(400, "broken_file", message, "file")
