"""A tokenizer of bytes, with the control tokens where a config wants them."""

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from csm_engine.csm.config import CsmConfig
from csm_engine.csm.prompt import AUDIO, AUDIO_EOS, BEGIN, END

MERGES = (("t", "h"), ("th", "e"), ("]", "H"), ("l", "l"), ("e", "ll"))
"""One spans a speaker's bracket and a word, as Llama's do."""


def make_tokenizer(config: CsmConfig) -> Tokenizer:
    """Byte-level BPE, as CSM's, with next to no merges: any text, a token a byte or so."""
    vocabulary = {byte: id for id, byte in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    for left, right in MERGES:
        vocabulary[left + right] = len(vocabulary)
    special = {
        BEGIN: config.bos_token_id,
        END: config.bos_token_id + 1,
        AUDIO: config.audio_token_id,
        AUDIO_EOS: config.audio_eos_token_id,
    }
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary | special, merges=list(MERGES)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(special))
    return tokenizer
