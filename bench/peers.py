"""Others' ways to hear with Whisper, behind one interface, for `bench.whisper_peers`."""

import importlib.util
import sys
import types
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.transcribe import Segment
from numpy.typing import NDArray

from whisper_engine.protocol import SAMPLE_RATE

Sound = NDArray[np.float32]

LEAST_NEW = 1.0
"""Seconds of new sound that whisper_streaming waits for by default (--min-chunk-size)."""


class Peer(Protocol):
    """One call's ears, told sound at the pace of speech. Blocking: for a thread."""

    def listen(self, sound: Sound) -> None: ...

    def final(self) -> str:
        """What was said since the last final."""
        ...


class WholeTurns:
    """faster-whisper at its cheapest: greedy, once, without timestamps."""

    def __init__(self, model: WhisperModel) -> None:
        self._model = model
        self._sound: list[Sound] = []

    def listen(self, sound: Sound) -> None:
        self._sound.append(sound)

    def final(self) -> str:
        sound = np.concatenate(self._sound)
        self._sound.clear()
        segments, _ = self._model.transcribe(
            sound, language="en", beam_size=1, temperature=0.0, without_timestamps=True
        )
        return "".join(segment.text for segment in segments).strip()


class LocalAgreement:
    """whisper_streaming's policy, decoding as it does: beam 5, with words' times.

    But for two things that it would not do with trained weights: random ones are never sure of a
    timestamp, and would be tried six times over; and they do not say the last one, without which
    faster-whisper looks for more behind the turn.
    """

    def __init__(self, module: Any, model: WhisperModel) -> None:
        class Asr(module.FasterWhisperASR):  # type: ignore[misc]
            def load_model(self, *_: object, **__: object) -> WhisperModel:
                return model

            def transcribe(self, audio: Sound, init_prompt: str = "") -> list[Segment]:
                segments, _ = model.transcribe(
                    audio,
                    language="en",
                    initial_prompt=init_prompt,
                    beam_size=5,
                    word_timestamps=True,
                    temperature=0.0,
                )
                return list(islice(segments, 1))

        self._online = module.OnlineASRProcessor(Asr("en"))
        self._new = 0
        self._said: list[str] = []

    def listen(self, sound: Sound) -> None:
        self._online.insert_audio_chunk(sound)
        self._new += len(sound)
        if self._new >= LEAST_NEW * SAMPLE_RATE:
            self._decode()

    def final(self) -> str:
        self._decode()
        self._said.append(self._online.finish()[2])
        text = "".join(self._said).strip()
        self._online.init()
        self._said.clear()
        return text

    def _decode(self) -> None:
        self._new = 0
        self._said.append(self._online.process_iter()[2])


def whisper_streaming(checkout: Path) -> Any:
    """Its module. What it would read files with need not be there."""
    for name in ("librosa", "soundfile"):
        if importlib.util.find_spec(name) is None:
            sys.modules[name] = types.ModuleType(name)
    sys.path.insert(0, str(checkout))
    return importlib.import_module("whisper_online")
