"""The last sound of a sentence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csm_engine.endings.level import Pcm
from csm_engine.endings.tail import FADE, KEPT, faded, tail, trimmed

RATE = 24_000


def noise(seconds: float, level: float = 0.1) -> Pcm:
    samples = np.random.default_rng(1).uniform(-level, level, round(seconds * RATE))
    return samples.astype(np.float32)


def test_silence_at_the_end_is_cut_to_a_little() -> None:
    pcm = np.concatenate([noise(0.3), noise(0.5, 1e-4)])
    assert len(trimmed(pcm, RATE)) == pytest.approx((0.3 + KEPT) * RATE, abs=0.011 * RATE)
    assert np.array_equal(trimmed(pcm, RATE), pcm[: len(trimmed(pcm, RATE))])


def test_sound_and_short_silence_stay() -> None:
    for pcm in (noise(0.3), np.concatenate([noise(0.3), noise(KEPT / 2, 1e-4)])):
        assert np.array_equal(trimmed(pcm, RATE), pcm)


def test_a_click_in_silence_is_sound() -> None:
    pcm = noise(0.5, 1e-4)
    pcm[-100] = 0.5
    assert len(trimmed(pcm, RATE)) == len(pcm)


def test_the_end_falls_to_nothing() -> None:
    pcm = np.ones(RATE, np.float32)
    out, count = faded(pcm, RATE), round(FADE * RATE)
    assert np.all(out[:-count] == 1)
    assert np.all(np.diff(out[-count:]) <= 0)
    assert out[-1] == pytest.approx(0, abs=1e-6)
    assert np.all(pcm == 1)  # the caller's stays


@given(st.integers(0, 5000), st.sampled_from([8_000, 16_000, 24_000]), st.floats(0, 1))
def test_it_is_never_longer_or_louder(count: int, rate: int, level: float) -> None:
    pcm = noise(1, level)[:count]
    out = tail(pcm, rate)
    assert out.dtype == np.float32
    assert len(out) <= len(pcm)
    assert np.all(np.abs(out) <= np.abs(pcm[: len(out)]))
