import numpy as np
import pytest

from whisper_engine.cli.ab.line import PACKET, from_mu_law, over_line, to_mu_law
from whisper_engine.whisper.task import Pcm

RATE = 16_000


def tone(hertz: float, seconds: float = 1.0) -> Pcm:
    at = np.arange(round(seconds * RATE)) / RATE
    return (10_000 * np.sin(2 * np.pi * hertz * at)).astype(np.int16)


def power(pcm: Pcm) -> float:
    return float(np.mean(pcm[RATE // 10 : -RATE // 10].astype(np.float64) ** 2))


def test_mu_law_has_the_tables_codes() -> None:
    """ITU-T G.711 table 2a/2b: the largest, the smallest and the first of the segments."""
    assert to_mu_law(np.array([0, -1, 32_767, -32_768], np.int16)).tolist() == [
        0xFF,
        0x7F,
        0x80,
        0x00,
    ]
    assert from_mu_law(np.array([0x80, 0x00, 0xFF], np.uint8)).tolist() == [32_124, -32_124, 0]
    codes = np.delete(np.arange(256, dtype=np.uint8), 0x7F)
    assert np.array_equal(to_mu_law(from_mu_law(codes)), codes)


@pytest.mark.parametrize("hertz", [300, 1_000, 3_000])
def test_a_voices_band_passes(hertz: float) -> None:
    sent = tone(hertz)
    assert power(over_line(sent, loss=0, seed=0)) == pytest.approx(power(sent), rel=0.1)


@pytest.mark.parametrize("hertz", [4_500, 5_000, 7_000])
def test_what_a_line_has_no_room_for_does_not_fold_back(hertz: float) -> None:
    sent = tone(hertz)
    assert power(over_line(sent, loss=0, seed=0)) < power(sent) / 1_000


@pytest.mark.parametrize("loss", [0.03, 0.3])
def test_the_share_of_packets_asked_for_is_lost_in_bursts(loss: float) -> None:
    sent = np.full(200 * RATE, 8_000, np.int16)
    heard = over_line(sent, loss=loss, seed=3)[:: RATE // 8_000].reshape(-1, PACKET)
    lost = np.abs(heard[:, PACKET // 2]) < 100
    assert lost.mean() == pytest.approx(loss, rel=0.2)
    bursts = np.count_nonzero(np.diff(lost.astype(int)) == 1)
    assert lost.sum() / bursts == pytest.approx(2.0, rel=0.2)


def test_any_length_is_kept() -> None:
    for samples in (1, 2, 319, 321):
        assert len(over_line(np.ones(samples, np.int16), loss=0.5, seed=1)) == samples
