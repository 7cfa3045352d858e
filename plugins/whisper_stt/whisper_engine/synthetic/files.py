"""A model folder as CTranslate2 and faster-whisper expect it."""

import json
from pathlib import Path

import numpy as np
from ctranslate2.specs import whisper_spec
from numpy.typing import NDArray
from tokenizers import Tokenizer

from whisper_engine.synthetic.vocabulary import token_list
from whisper_engine.whisper.tokens import LANGUAGES, language_token

Array = NDArray[np.float32]


def zeros(*shape: int) -> Array:
    return np.zeros(shape, np.float32)


def save(
    spec: whisper_spec.WhisperSpec,
    folder: Path,
    tokenizer: Tokenizer,
    *,
    mels: int,
    alignment_heads: list[tuple[int, int]],
    quantization: str | None = None,
) -> None:
    tokens = token_list(tokenizer)
    ids = {token: number for number, token in enumerate(tokens)}
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = [
        ids[language_token(language)] for language in LANGUAGES if language_token(language) in ids
    ]
    spec.config.alignment_heads = [list(head) for head in alignment_heads]
    spec.validate()
    spec.optimize(quantization=quantization)
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    features = {
        "feature_size": mels,
        "sampling_rate": 16000,
        "hop_length": 160,
        "chunk_length": 30,
        "n_fft": 400,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(features), encoding="utf-8")
