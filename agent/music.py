"""Hold music, on a track of its own, for whoever waits."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from livekit import rtc
from livekit.rtc.participant import UnpublishTrackError

from agent.clips import FOLDER, SAMPLE_RATE

SHIPPED = FOLDER / "hold.ogg"

SHORTEST, LONGEST = 2.0, 300.0
"""Seconds of a clip."""
PIECE = 0.05
"""Seconds given to the room at once."""
QUEUE = 0.2
"""Seconds that the room holds: they cannot be called back."""
FADE = 0.4
"""Seconds in which the music goes down to nothing."""
SEAM = 0.01
"""The same at either end of a clip, so that no loop clicks."""

Samples = npt.NDArray[np.int16]


def check_music(path: Path) -> None:
    """By its beginning and its length. Raises `ValueError`, which says what is wrong."""
    with _opened(path) as file:
        next(file.decode(audio=0))
        seconds = (file.duration or 0) / av.time_base
    if not SHORTEST <= seconds <= LONGEST:
        raise ValueError(f"{path}: must last {SHORTEST:g} to {LONGEST:g} s, not {seconds:.1f} s")


def load_music(path: Path) -> Samples:
    """Mono, 24 kHz, of any file that FFmpeg reads. Raises `ValueError`, which says what is wrong."""
    check_music(path)
    pieces: list[Samples] = []
    with _opened(path) as file:
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        for frame in file.decode(audio=0):
            pieces += _arrays(resampler, frame)
        pieces += _arrays(resampler, None)
    return _without_a_seam(np.concatenate(pieces))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with av.open(str(path)) as file:
            if not file.streams.audio:
                raise ValueError(f"{path}: holds no sound")
            yield file
    except (OSError, StopIteration, av.FFmpegError) as error:
        raise ValueError(f"{path}: cannot be read as sound: {error}") from error


def _arrays(resampler: av.AudioResampler, frame: Any) -> list[Samples]:
    return [each.to_ndarray().reshape(-1).astype(np.int16) for each in resampler.resample(frame)]


def _without_a_seam(samples: Samples) -> Samples:
    ramp = np.linspace(0.0, 1.0, round(SEAM * SAMPLE_RATE))
    gain = np.ones(len(samples))
    gain[: len(ramp)], gain[-len(ramp) :] = ramp, ramp[::-1]
    return np.rint(samples * gain).astype(np.int16)


class Loop:
    """A clip over and over. Pure. `faded` once nothing is to come any more."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._at = 0
        self._left: int | None = None

    @property
    def faded(self) -> bool:
        return self._left == 0

    def fade(self) -> None:
        """From the next piece on."""
        if self._left is None:
            self._left = round(FADE * SAMPLE_RATE)

    def next(self) -> rtc.AudioFrame:
        """A piece."""
        size = round(PIECE * SAMPLE_RATE)
        places = np.arange(self._at, self._at + size)
        piece = self._samples.take(places, mode="wrap")
        self._at = int(places[-1] + 1) % len(self._samples)
        if self._left is not None:
            steps = np.maximum(self._left - np.arange(size), 0)
            gain = (steps / (FADE * SAMPLE_RATE)) ** 2
            piece = np.rint(piece * gain).astype(np.int16)
            self._left = max(0, self._left - size)
        return rtc.AudioFrame(piece.tobytes(), SAMPLE_RATE, 1, size)


async def play_music(room: rtc.Room, clip: Path | None) -> None:
    """Until cancelled; it then fades out, and is gone when this returns. None is the shipped clip.

    Raises `ValueError` for a clip that cannot be played.
    """
    loop = Loop(await asyncio.to_thread(load_music, clip or SHIPPED))
    async with _track(room) as source:
        playing = asyncio.create_task(_play(loop, source))
        try:
            # A frame that is given while another waits would be lost: the task is never cut short.
            await asyncio.shield(playing)
        except asyncio.CancelledError:
            loop.fade()
            await asyncio.wait({playing}, timeout=2 * (FADE + QUEUE))
            raise
        finally:
            playing.cancel()


async def _play(loop: Loop, source: rtc.AudioSource) -> None:
    while not loop.faded:
        await source.capture_frame(loop.next())
    await source.wait_for_playout()


@asynccontextmanager
async def _track(room: rtc.Room) -> AsyncIterator[rtc.AudioSource]:
    source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=round(1000 * QUEUE))
    track = rtc.LocalAudioTrack.create_audio_track("music", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_UNKNOWN)
    publication = await room.local_participant.publish_track(track, options)
    try:
        yield source
    finally:
        with suppress(UnpublishTrackError):  # the room may be gone
            await room.local_participant.unpublish_track(publication.sid)
        await source.aclose()
