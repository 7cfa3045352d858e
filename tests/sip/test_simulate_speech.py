import wave
from pathlib import Path

import numpy as np
import pytest

from sip.simulate.hearing import levels, spells
from sip.simulate.speech import RATE, Samples, SpeechError, loaded, spoken
from tests.sip.sounds import tone


def write(path: Path, samples: Samples, *, rate: int = RATE, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setframerate(rate)
        file.setsampwidth(width)
        file.writeframes(samples.astype(f"<i{width}").tobytes())
    return path


@pytest.mark.parametrize("voice", ["rms", "slt"])
async def test_flite_speaks_at_telephone_rate(voice: str) -> None:
    speech = await spoken("what are your opening hours", voice)
    assert speech.dtype == np.int16
    assert 1.0 < speech.size / RATE < 4.0
    assert spells(levels(speech), pause=0.5) != []


@pytest.mark.parametrize(
    ("text", "voice", "complaint"),
    [("", "rms", "nothing to say"), ("hello", "nobody", "no voice 'nobody'")],
)
async def test_what_flite_cannot_say_is_refused(text: str, voice: str, complaint: str) -> None:
    with pytest.raises(SpeechError, match=complaint):
        await spoken(text, voice)


async def test_a_stereo_file_of_another_rate_becomes_mono_at_telephone_rate(tmp_path: Path) -> None:
    at = np.arange(48_000) / 48_000
    left = (8000 * np.sin(2 * np.pi * 300 * at)).astype(np.int16)
    path = write(tmp_path / "s.wav", np.stack([left, left], axis=1), rate=48_000)
    speech = await loaded(path)
    assert speech.shape == (RATE,)
    expected = 8000 * np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE)
    assert np.abs(speech - expected)[200:-200].max() < 50


async def test_sox_reads_what_wave_cannot(tmp_path: Path) -> None:
    path = write(tmp_path / "s.wav", tone(0.5).astype(np.int32) << 16, width=4)
    assert abs((await loaded(path)).size - RATE // 2) <= 1


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("no.wav", None, "cannot read the sound file .*no.wav"),
        ("text.wav", b"not sound at all", "text.wav|sox"),
        ("text.flac", b"not sound at all", "sox failed"),
    ],
)
async def test_a_file_that_is_not_sound_is_refused_by_name(
    tmp_path: Path, name: str, content: bytes | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SpeechError, match=complaint):
        await loaded(tmp_path / name)


async def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="no sound in it"):
        await loaded(write(tmp_path / "empty.wav", np.zeros(0, dtype=np.int16)))
