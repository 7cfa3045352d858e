import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from tests.whisper_stt.whispers import make_task, noise
from whisper_engine.whisper.features import Features
from whisper_engine.whisper.task import Task


@pytest.mark.parametrize("mels", [80, 128])
def test_features_are_those_of_faster_whisper_on_audio_padded_with_zeros(mels: int) -> None:
    pcm = noise(1)
    padded = np.pad(pcm, (0, 4 * 16000 - len(pcm))).astype(np.float32) / 32768
    (features,) = Features(mels).batch([Task(pcm, 400, ("en",), (), 10)])
    expected = FeatureExtractor(feature_size=mels)(padded)[:, :400]
    np.testing.assert_allclose(features, expected, atol=1e-5)


def test_an_items_features_do_not_depend_on_its_batch() -> None:
    quiet = Task((noise(1) // 20).astype(np.int16), 400, ("en",), (), 10)
    together = Features(80).batch([quiet, make_task(2, frames=400)])
    assert together.shape == (2, 80, 400)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(together[0], Features(80).batch([quiet])[0])


def test_audio_longer_than_its_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit into 300 frames"):
        Features(80).batch([make_task(4, frames=300)])


def test_no_audio_is_silence() -> None:
    features = Features(80).batch([Task(np.zeros(0, np.int16), 300, ("en",), (), 10)])
    assert np.unique(features) == pytest.approx([-1.5])
