"""What a voice's folder is worth, heard without a model: what must be mended, what could be better."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from csm_engine.clip import VoiceError, read_clip
from csm_engine.endings.level import Pcm, dbfs
from csm_engine.protocol import SAMPLE_RATE
from csm_engine.voice_folder import CLIP, check_words, transcript_of

BEST_SECONDS = 8.0, 15.0
BEST_LEVEL = -30.0, -14.0
"""dBFS of the whole clip."""

BEST_SILENCE = 0.3, 0.5
"""Seconds at a clip's end: what is spoken next begins as the clip ended."""

QUIET = -45.0
"""dBFS, below which a window is silence."""

WINDOW = 0.010
"""Seconds."""

CLIPPED = 32_767 / 32_768
CLIPPED_SHARE = 1e-4
"""Of a clip's samples at full scale; below it, a peak that touches it is no harm."""


@dataclass(frozen=True)
class Judged:
    """`problem` keeps the voice from speaking; without one, the clip's `seconds` and `level` (dBFS)
    are known. `advice` is sentences."""

    name: str
    problem: str | None
    seconds: float | None = None
    level: float | None = None
    advice: tuple[str, ...] = ()


def voice_folders(root: Path) -> list[Path]:
    """As the engine finds them. Raises VoiceError when `root` is no folder."""
    if not root.is_dir():
        raise VoiceError(f"{root} is not a folder: name one that has a folder for each voice")
    return sorted(path for path in root.iterdir() if path.is_dir() and path.name[0] != ".")


def judge(folder: Path) -> Judged:
    try:
        transcript = transcript_of(folder)
        samples = read_clip(folder / CLIP, SAMPLE_RATE)
        seconds = len(samples) / SAMPLE_RATE
        check_words(folder / CLIP, seconds, transcript)
    except VoiceError as error:
        return Judged(folder.name, str(error))
    pcm: Pcm = samples.astype(np.float32) / np.float32(32_768)
    return Judged(folder.name, None, seconds, dbfs(pcm), tuple(advice(pcm, SAMPLE_RATE)))


def advice(pcm: Pcm, rate: int) -> Iterator[str]:
    """`rate` in Hz."""
    seconds, level, silence = len(pcm) / rate, dbfs(pcm), silence_at_end(pcm, rate)
    if not BEST_SECONDS[0] <= seconds <= BEST_SECONDS[1]:
        yield f"it lasts {seconds:.1f} s: {_span(BEST_SECONDS)} s hold a voice best"
    if not BEST_LEVEL[0] <= level <= BEST_LEVEL[1]:
        yield f"its level is {level:.0f} dBFS: bring it to {_span(BEST_LEVEL)}"
    if (share := float(np.mean(np.abs(pcm) >= CLIPPED))) > CLIPPED_SHARE:
        yield f"{share:.2%} of it is clipped: record it again, lower"
    if not BEST_SILENCE[0] <= silence <= BEST_SILENCE[1]:
        yield f"it ends with {silence:.2f} s of silence: make it {_span(BEST_SILENCE)}"


def silence_at_end(pcm: Pcm, rate: int) -> float:
    """Seconds, in whole windows."""
    window = round(WINDOW * rate)
    end = len(pcm)
    while end > 0 and dbfs(pcm[max(0, end - window) : end]) < QUIET:
        end -= window
    return (len(pcm) - max(0, end)) / rate


def _span(best: tuple[float, float]) -> str:
    return f"{best[0]:g} to {best[1]:g}"
