"""A real Whisper in CTranslate2's format that says a script, word by word, as it hears sound.

Its numbers need float32: load it with `compute_type="float32"`.
"""

from collections.abc import Mapping
from itertools import chain, cycle, islice
from pathlib import Path

from tokenizers import Tokenizer

from whisper_engine.synthetic.files import save
from whisper_engine.synthetic.vocabulary import make_tokenizer
from whisper_engine.synthetic.wiring import Script, Writer
from whisper_engine.whisper.tokens import MULTILINGUAL_MARK

FRAME_SECONDS = 0.02
ENDLESS_STEPS = 224
"""Whisper's own most: half of the positions."""


def write_scripted(
    folder: Path,
    texts: str | Mapping[str, str],
    *,
    tokenizer: Tokenizer | None = None,
    multilingual: bool = True,
    mels: int = 80,
    listens: bool = True,
    ends: bool = True,
    token_seconds: float = 0.25,
    confidence: float = 0.9,
    no_speech: float = 0.05,
    detects: Mapping[str, float] | None = None,
) -> None:
    """Write a model folder that CTranslate2 and faster-whisper load offline, in float32.

    Args:
        texts: what to say; by language, to say other texts in other languages (the first one's is
            said in all that are not named).
        tokenizer: Whisper's real one, or one of `make_tokenizer`; without one, it is made for `texts`.
        listens: one token is said for each `token_seconds` of sound, and none in silence. Otherwise
            the whole text is said whatever there is to hear.
        ends: otherwise the text is said over and over, as by a model in a loop.
        confidence: probability of each token.
        no_speech: the model's own probability that nobody speaks.
        detects: probability of each language; the first of `texts` unless given.
    """
    by_language = {"en": texts} if isinstance(texts, str) else dict(texts)
    if tokenizer is None:
        words = chain.from_iterable(text.split() for text in by_language.values())
        tokenizer = make_tokenizer(words, multilingual=multilingual)
    if (tokenizer.token_to_id(MULTILINGUAL_MARK) is not None) != multilingual:
        raise ValueError("a tokenizer with an empty token is of a multilingual model, and no other")
    tokens = {
        language: tokenizer.encode(" " + text.strip(), add_special_tokens=False).ids
        for language, text in by_language.items()
    }
    if not ends:
        tokens = {name: list(islice(cycle(ids), ENDLESS_STEPS)) for name, ids in tokens.items()}
    script = Script(
        texts=tokens,
        prefix=4 if multilingual else 2,
        listens=listens,
        ends=ends,
        token_frames=token_seconds / FRAME_SECONDS,
        confidence=confidence,
        no_speech=no_speech,
        detects=detects or {next(iter(by_language)): 1.0},
    )
    spec = Writer(script, tokenizer, mels).write()
    save(spec, folder, tokenizer, mels=mels, alignment_heads=[(1, 0)])
