"""Real voices over a simulated telephone line are still speech to the voice detector."""

import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.whisper_stt.g711 import Law, coded, lossy, over_the_line, seconds
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.streaming.hearing import FinalDue, Hearing, SpeechStarts, Utterance
from whisper_engine.streaming.vad import WINDOW, Vad

QUESTION = Path(__file__).parent.parent / "data" / "audio" / "weather_question.wav"


def clip() -> tuple[NDArray[np.int16], int]:
    with wave.open(str(QUESTION)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()


def utterances(pcm: bytes) -> tuple[list[Utterance], int]:
    """With the number of times that speech began."""
    sound = pcm + bytes(3 * 2 * SAMPLE_RATE)
    sound = sound[: len(sound) // (2 * WINDOW) * 2 * WINDOW]
    hearing = Hearing()
    due = [item for p in Vad().probabilities(sound) for item in hearing.step(p)]
    starts = sum(isinstance(item, SpeechStarts) for item in due)
    return [item.utterance for item in due if isinstance(item, FinalDue)], starts


@pytest.mark.parametrize("law", ["mu", "a"])
def test_a_law_keeps_a_voice_within_its_steps(law: Law) -> None:
    """Half a step is at most a 32nd of the value, and a little more near zero."""
    every = np.arange(-32_000, 32_001, dtype=np.int16)
    error = np.abs(coded(every, law).astype(int) - every)
    assert (error <= (np.abs(every.astype(int)) + 290) / 32).all()
    assert (coded(coded(every, law), law) == coded(every, law)).all()


def test_a_law_of_the_recommendations_own_values() -> None:
    """Decoder outputs of G.711 table 1a, in 16 bits: first and last step of the first segments."""
    values = np.array([8, 248, 264, 504, 528, 1_008, 32_256, -8, -32_256], np.int16)
    assert coded(values, "a").tolist() == values.tolist()


def test_loss_is_of_whole_packets_and_of_the_share_asked_for() -> None:
    heard = lossy(np.ones(160 * 1_000, np.int16), 0.1).reshape(1_000, 160)
    assert set(heard.sum(axis=1).tolist()) == {0, 160}
    assert 0.07 < (heard.sum(axis=1) == 0).mean() < 0.13


@pytest.mark.parametrize("law", ["mu", "a"])
@pytest.mark.parametrize("loss", [0.0, 0.03, 0.1])
def test_a_voice_on_the_line_is_found_where_it_is(law: Law, loss: float) -> None:
    samples, rate = clip()
    pcm = over_the_line(samples, rate, law=law, loss=loss)
    assert seconds(pcm) == pytest.approx(len(samples) / rate, abs=0.001)
    (clean,), _ = utterances(over_the_line(samples, rate))
    (heard,), _ = utterances(pcm)
    assert abs(heard.onset - clean.onset) < 0.1 * SAMPLE_RATE
    assert abs(heard.end - clean.end) < 0.2 * SAMPLE_RATE


@pytest.mark.parametrize("gain", [0.03, 1.0])
def test_a_quiet_voice_is_found_too(gain: float) -> None:
    samples, rate = clip()
    quiet = np.rint(samples * gain).astype(np.int16)
    _, starts = utterances(over_the_line(quiet, rate, law="a"))
    assert starts >= 1
