"""The one resampler: what it keeps, what it keeps out, and how long it waits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.resampling import RATES, Resampler

LOUD = 20_000.0
SETTLED = slice(1_000, 15_000)


def tone(hertz: float, rate: int, amplitude: float = LOUD) -> bytes:
    """One second."""
    at = np.arange(rate) / rate
    return np.rint(amplitude * np.sin(2 * np.pi * hertz * at)).astype("<i2").tobytes()


def resampled(pcm: bytes, rate: int) -> NDArray[np.int16]:
    resampler = Resampler(rate)
    return np.frombuffer(resampler.push(pcm) + resampler.flush(), "<i2")


def levels(samples: NDArray[np.int16], hertz: float) -> tuple[float, float]:
    """Of the tone and of all that is not the tone, in dB below what went in."""
    at = np.arange(len(samples))[SETTLED] / SAMPLE_RATE
    waves = np.stack([np.sin(2 * np.pi * hertz * at), np.cos(2 * np.pi * hertz * at)], 1)
    heard = samples[SETTLED].astype(float)
    fit = np.linalg.lstsq(waves, heard)[0]
    rest = (heard - waves @ fit).std() * np.sqrt(2)
    return 20 * np.log10(np.hypot(*fit) / LOUD), 20 * np.log10(max(rest, 1e-3) / LOUD)


@pytest.mark.parametrize("rate", RATES)
def test_tones_of_speech_pass_as_they_are_without_images(rate: int) -> None:
    for hertz in (300, 1_000, 2_500, 3_400):
        gain, images = levels(resampled(tone(hertz, rate), rate), hertz)
        assert abs(gain) < 0.05
        assert images < -50


@pytest.mark.parametrize("rate", [24_000, 32_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("hertz", [8_600, 10_000, 11_900])
def test_what_is_too_high_does_not_fold(rate: int, hertz: float) -> None:
    folded = resampled(tone(hertz, rate), rate)[SETTLED].astype(float)
    assert folded.std() * np.sqrt(2) < LOUD / 10 ** (55 / 20)


@pytest.mark.parametrize("rate", RATES)
def test_nothing_is_shifted_or_lost(rate: int) -> None:
    """The output has the tone's own phase."""
    samples = resampled(tone(440, rate), rate)
    assert len(samples) == SAMPLE_RATE
    expected = np.frombuffer(tone(440, SAMPLE_RATE), "<i2")
    assert np.abs(samples[SETTLED].astype(int) - expected[SETTLED]).max() <= 20


@pytest.mark.parametrize("rate", RATES)
def test_no_more_than_two_milliseconds_wait(rate: int) -> None:
    resampler = Resampler(rate)
    assert resampler.delay <= 0.002
    made = resampler.push(tone(440, rate))
    waiting = SAMPLE_RATE - len(made) // 2
    assert waiting <= 0.002 * SAMPLE_RATE
    assert waiting / SAMPLE_RATE == pytest.approx(resampler.delay, abs=1 / SAMPLE_RATE)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(RATES),
    st.lists(st.integers(0, 700), max_size=12),
    st.integers(0, 2**32 - 1),
)
def test_how_a_sound_is_cut_does_not_show(rate: int, cuts: list[int], seed: int) -> None:
    noise = np.random.default_rng(seed).integers(-32_768, 32_768, sum(cuts), np.int16)
    resampler = Resampler(rate)
    pieces = [resampler.push(piece.tobytes()) for piece in np.split(noise, np.cumsum(cuts))]
    pieces.append(resampler.flush())
    whole = resampled(noise.tobytes(), rate)
    assert b"".join(pieces) == whole.tobytes()
    assert len(whole) == -(-len(noise) * SAMPLE_RATE // rate)


@pytest.mark.parametrize("rate", RATES)
def test_the_loudest_sound_is_limited_not_turned_over(rate: int) -> None:
    square = np.where(np.arange(rate) % 40 < 20, 32_767, -32_768).astype("<i2")
    samples = resampled(square.tobytes(), rate).astype(float)
    at = np.arange(len(samples)) * rate / SAMPLE_RATE % 40
    high, low = (at > 5) & (at < 15), (at > 25) & (at < 35)
    assert samples[high].min() > 20_000
    assert samples[low].max() < -20_000


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100])
def test_a_constant_stays_constant(rate: int) -> None:
    constant = np.full(rate, 12_345, "<i2").tobytes()
    assert set(resampled(constant, rate)[SETTLED].tolist()) == {12_345}


def test_after_a_flush_a_new_sound_begins() -> None:
    resampler = Resampler(8_000)
    first = resampler.push(tone(440, 8_000)) + resampler.flush()
    again = resampler.push(tone(440, 8_000)) + resampler.flush()
    assert first == again


def test_half_a_sample_and_unknown_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="whole 16-bit samples"):
        Resampler(8_000).push(b"abc")
    with pytest.raises(ValueError, match="send one of"):
        Resampler(7_999)
