"""Hold music: what is played, how it loops and how it ends."""

import wave
from pathlib import Path

import numpy as np
import pytest

from agent.clips import SAMPLE_RATE
from agent.music import FADE, PIECE, SHIPPED, Loop, Samples, check_music, load_music


def written(path: Path, samples: Samples, rate: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return path


def pieces(loop: Loop, seconds: float) -> Samples:
    frames = [loop.next() for _ in range(round(seconds / PIECE))]
    return np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames])


def tone(seconds: float, rate: int) -> Samples:
    at = np.arange(round(seconds * rate)) / rate
    return np.asarray(8000 * np.sin(2 * np.pi * 440 * at)).astype(np.int16)


def jump(samples: Samples) -> int:
    """The greatest step between two samples."""
    return int(np.abs(np.diff(samples.astype(np.int64))).max())


def test_the_shipped_music_is_soft_and_begins_and_ends_in_silence() -> None:
    music = load_music(SHIPPED)
    assert SHIPPED.stat().st_size < 300_000
    assert 30 < len(music) / SAMPLE_RATE < 90
    assert 1000 < np.abs(music).max() < 10_000
    assert max(np.abs(music[:10]).max(), np.abs(music[-10:]).max()) < 20


def test_a_clip_of_another_rate_loops_without_a_click(tmp_path: Path) -> None:
    music = load_music(written(tmp_path / "tone.wav", tone(2.13, 44_100), 44_100))
    assert len(music) == pytest.approx(2.13 * SAMPLE_RATE, abs=50)
    heard = pieces(Loop(music), 3 * 2.13)
    assert jump(heard) <= jump(tone(1.0, SAMPLE_RATE)) + 10
    assert np.array_equal(heard[: len(music)], heard[len(music) : 2 * len(music)])


def test_it_fades_out_from_where_it_is() -> None:
    loop = Loop(tone(3.0, SAMPLE_RATE))
    pieces(loop, 1.0)
    assert not loop.faded
    loop.fade()
    heard = pieces(loop, FADE)
    assert loop.faded
    loud = [int(np.abs(part).max()) for part in np.array_split(heard, 8)]
    assert loud == sorted(loud, reverse=True)
    assert loud[0] > 6000
    assert loud[-1] < 200
    assert not pieces(loop, 0.2).any()


@pytest.mark.parametrize("seconds", [0.5, 301.0])
def test_what_is_too_short_or_too_long_is_refused(tmp_path: Path, seconds: float) -> None:
    silence = np.zeros(round(seconds * 8000), np.int16)
    with pytest.raises(ValueError, match=r"must last 2 to 300 s"):
        check_music(written(tmp_path / "clip.wav", silence, 8000))


def test_what_is_not_there_is_no_music(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read as sound"):
        load_music(tmp_path / "none.wav")
