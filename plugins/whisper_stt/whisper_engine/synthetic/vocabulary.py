"""A small tokenizer that needs no table."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from whisper_engine.whisper.tokens import LANGUAGES, MULTILINGUAL_MARK, special_tokens

SPACE = "Ġ"
"""How a byte-level vocabulary writes the space that begins a word."""


def make_tokenizer(
    words: Iterable[str] = (),
    *,
    multilingual: bool = True,
    languages: Sequence[str] = LANGUAGES[:99],
    text_tokens: int = 0,
) -> Tokenizer:
    """A byte-level tokenizer that takes any text and knows each of `words` as one token.

    Args:
        text_tokens: grow the text part of the vocabulary to this size with tokens that stand for
            words like " w300": a model of random weights says such words.
    """
    vocab: dict[str, int] = {}
    for byte in sorted(pre_tokenizers.ByteLevel.alphabet()):
        vocab[byte] = len(vocab)
    merges = []
    # Every merge begins with the space of a word: no merge of one word can break another.
    for word in words:
        for left, right in _steps(_byte_level(" " + word.strip())):
            if left + right not in vocab:
                vocab[left + right] = len(vocab)
                merges.append((left, right))
    for number in range(len(vocab), text_tokens - multilingual):
        vocab[f"{SPACE}w{number}"] = number
    if multilingual:
        vocab[MULTILINGUAL_MARK] = len(vocab)
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    add_special_tokens(tokenizer, languages)
    return tokenizer


def add_special_tokens(tokenizer: Tokenizer, languages: Sequence[str]) -> None:
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in special_tokens(languages)]
    )


def token_list(tokenizer: Tokenizer) -> list[str]:
    """The vocabulary in the order of the ids."""
    ids = tokenizer.get_vocab(with_added_tokens=True)
    tokens = sorted(ids, key=ids.__getitem__)
    if [ids[token] for token in tokens] != list(range(len(tokens))):
        raise ValueError("the tokenizer's ids have gaps: CTranslate2 needs every id from 0 on")
    return tokens


def _byte_level(text: str) -> str:
    (piece,) = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(
        text
    )
    return str(piece[0])


def _steps(word: str) -> Iterable[tuple[str, str]]:
    ends = range(1, len(word) + 1)
    return ((word[:end], word[end:after]) for end, after in pairwise(ends))
