"""Whether a window of sound is speech: silero v6 by onnxruntime, the file that faster-whisper carries."""

from functools import lru_cache
from importlib.resources import files

import numpy as np
import onnxruntime

WINDOW = 512
"""Samples a decision: 32 ms at 16 kHz."""

_CONTEXT = 64
_STATE = (1, 1, 128)


@lru_cache
def _session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    model = files("faster_whisper.assets").joinpath("silero_vad_v6.onnx").read_bytes()
    return onnxruntime.InferenceSession(
        model, providers=["CPUExecutionProvider"], sess_options=options
    )


class Vad:
    """One stream's detector; the model is shared.

    The model's first dimension is time, not streams, so several windows of one stream are one run
    (55 µs a window instead of 88), but windows of several streams cannot be.
    """

    def __init__(self) -> None:
        self._session = _session()
        self._h = np.zeros(_STATE, np.float32)
        self._c = np.zeros(_STATE, np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)

    def probabilities(self, pcm: bytes) -> list[float]:
        """One for each window of `pcm`: whole windows, s16le, in order."""
        samples = np.frombuffer(pcm, np.int16) / np.float32(32_768)
        sound = np.concatenate([self._context, samples])
        rows = np.lib.stride_tricks.sliding_window_view(sound, _CONTEXT + WINDOW)[::WINDOW]
        self._context = sound[-_CONTEXT:]
        out, self._h, self._c = self._session.run(
            None, {"input": np.ascontiguousarray(rows), "h": self._h, "c": self._c}
        )
        return [float(probability) for probability in out]
