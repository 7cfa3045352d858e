import wave
from pathlib import Path

import numpy as np
import pytest

from agent.playback import load_clip

RATE = 24_000


def write(path: Path, *, rate: int = RATE, channels: int = 1, seconds: float = 0.25) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", "NONE"))
        file.writeframes(np.full(round(seconds * rate) * channels, 1_234, np.int16).tobytes())
    return path


def test_a_clip_is_read_whole(tmp_path: Path) -> None:
    clip = load_clip(write(tmp_path / "breath.wav"), RATE)
    assert clip.samples_per_channel == RATE // 4
    assert set(np.frombuffer(clip.data, np.int16)) == {1_234}


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"rate": 8_000}, "must be 24000 Hz, mono, 16 bit"),
        ({"channels": 2}, "must be 24000 Hz, mono, 16 bit"),
        ({"seconds": 2.5}, "must last up to 2 s, not 2.50 s"),
        ({"seconds": 0.0}, "must last up to 2 s, not 0.00 s"),
    ],
)
def test_a_clip_that_would_sound_wrong_is_refused(
    tmp_path: Path, form: dict[str, int], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        load_clip(write(tmp_path / "breath.wav", **form), RATE)


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "breath.wav").write_text("sigh")
    for name in ("breath.wav", "missing.wav"):
        with pytest.raises(ValueError, match=rf"{name}: cannot be read as WAV"):
            load_clip(tmp_path / name, RATE)
