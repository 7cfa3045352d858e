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
    """One stream's detector; the model is shared."""

    def __init__(self) -> None:
        self._session = _session()
        self._h = np.zeros(_STATE, np.float32)
        self._c = np.zeros(_STATE, np.float32)
        self._input = np.zeros((1, _CONTEXT + WINDOW), np.float32)

    def probability(self, pcm: bytes) -> float:
        """`pcm`: exactly one window, s16le. Takes about a tenth of a millisecond."""
        self._input[0, :_CONTEXT] = self._input[0, -_CONTEXT:]
        self._input[0, _CONTEXT:] = np.frombuffer(pcm, np.int16) / np.float32(32_768)
        out, self._h, self._c = self._session.run(
            None, {"input": self._input, "h": self._h, "c": self._c}
        )
        return float(out[0])
