"""What is taken for a machine's beep, and what is not."""

import wave
from pathlib import Path

import numpy as np
import pytest

from agent.outbound.beep import CALL_PROGRESS, Beep, BeepDetector
from tests.agent.outbound.sounds import FRAME, RATE, Sound, noise, over_the_line, tone

SPEECH = sorted(
    [
        *(Path(__file__).parents[2] / "data" / "audio").glob("*.wav"),
        *(Path(__file__).parents[3] / "agent" / "audio").glob("*.wav"),
    ]
)


def beeps(sound: Sound, rate: int = RATE) -> list[Beep]:
    detector, step = BeepDetector(rate), FRAME * rate // RATE
    heard = (detector.hear(sound[at : at + step]) for at in range(0, len(sound), step))
    return [beep for beep in heard if beep]


@pytest.mark.parametrize("hertz", [400, 440, 480, 620, 800, 950, 1000, 1100, 1400, 1633, 2000])
@pytest.mark.parametrize("seconds", [0.2, 0.4, 1.0, 2.0])
def test_the_beeps_of_machines_are_found_over_the_line(hertz: float, seconds: float) -> None:
    (beep,) = beeps(over_the_line(tone(hertz, seconds=seconds)))
    assert beep.hertz == pytest.approx(hertz, abs=3.0)
    assert beep.start == pytest.approx(0.25, abs=0.05)
    assert beep.end == pytest.approx(0.25 + seconds, abs=0.05)


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000])
@pytest.mark.parametrize("level", [500.0, 20_000.0])
def test_a_beep_is_found_at_any_rate_and_level(rate: int, level: float) -> None:
    assert len(beeps(tone(1000, seconds=0.5, level=level, rate=rate), rate)) == 1


def test_a_beep_is_found_in_noise_14_db_under_it() -> None:
    sound = tone(1000, seconds=0.4)
    assert len(beeps(over_the_line(sound + noise(sound, 6000 / 2**0.5 / 5)))) == 1


def test_each_beep_of_several_is_told() -> None:
    sound = np.concatenate([tone(850, seconds=0.2)] * 3)
    assert len(beeps(sound)) == 3


def test_a_beep_is_told_once_it_has_ended_and_no_sooner() -> None:
    sound = tone(1000, seconds=1.0)
    detector = BeepDetector(RATE)
    assert detector.hear(sound[: int(1.2 * RATE)]) is None
    assert detector.hear(sound[int(1.2 * RATE) :]) is not None


@pytest.mark.parametrize(
    ("hertz", "seconds"),
    [
        ((440, 480), 2.0),  # ringback and busy tones, North America
        ((480, 620), 0.5),
        ((400, 450), 0.4),  # ringback, United Kingdom
        ((CALL_PROGRESS,), 1.0),  # most others
        ((CALL_PROGRESS,), 0.5),
        ((350, 440), 2.0),  # dial tone
        ((1000,), 4.0),
        ((697, 1209), 0.2),  # keys
        ((941, 1477), 0.2),
        ((1100,), 0.08),
        ((2100,), 2.0),  # a fax machine that answers
        ((250,), 0.5),  # hum
    ],
)
def test_tones_of_a_line_are_no_beeps(hertz: tuple[float, ...], seconds: float) -> None:
    assert beeps(over_the_line(tone(*hertz, seconds=seconds))) == []


def test_a_whistle_and_noise_are_no_beeps() -> None:
    time = np.arange(RATE) / RATE
    whistle = 6000 * np.sin(2 * np.pi * (900 * time + 60 * time**2))
    assert beeps(whistle.astype(np.int16)) == []
    assert beeps(noise(whistle.astype(np.int16), 3000.0)) == []


@pytest.mark.parametrize("path", SPEECH, ids=lambda path: path.stem)
def test_speech_is_no_beep(path: Path) -> None:
    with wave.open(str(path)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16)[::channels]
    assert beeps(sound, rate) == []
