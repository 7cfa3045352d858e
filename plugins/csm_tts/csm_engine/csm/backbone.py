"""The backbone: a Llama over text and audio frames, its keys and values in pages."""

import torch
from torch import Tensor
from torch.nn import functional

from csm_engine.csm import weights
from csm_engine.csm.attention import AttendPages, PagedAttention, sdpa
from csm_engine.csm.config import CsmConfig
from csm_engine.csm.layers import Attend, decoder_layer, rms_norm
from csm_engine.csm.paged_kv import PagedKV, Sequence
from csm_engine.csm.prompt import Prompt
from csm_engine.csm.rope import RotaryTable


class Backbone:
    """Embeds prompts and frames, and runs tokens through the layers."""

    def __init__(
        self, config: CsmConfig, weights: weights.Backbone, *, attention: PagedAttention = sdpa
    ) -> None:
        self._config = config.backbone
        self._audio_token = config.audio_token_id
        self._audio_eos = config.audio_eos_token_id
        self._weights = weights
        self._attention = attention
        device = weights.audio.device
        self._rotary = RotaryTable(config.backbone, device)
        self._offsets = torch.arange(config.num_codebooks, device=device) * config.vocab_size

    @property
    def device(self) -> torch.device:
        return self._weights.audio.device

    @property
    def dtype(self) -> torch.dtype:
        return self._weights.audio.dtype

    def embed_frames(self, codes: Tensor) -> Tensor:
        """Frames [..., codebooks] → [..., hidden]: the sum over their codes."""
        return functional.embedding(codes + self._offsets, self._weights.audio).sum(-2)

    def embed(self, prompt: Prompt) -> Tensor:
        """A prompt of T tokens → [T, hidden], its audio tokens replaced by their frames."""
        ids = prompt.ids.to(self.device)
        embedded = functional.embedding(ids, self._weights.text)
        audio = (ids == self._audio_token) | (ids == self._audio_eos)
        embedded[audio] = self.embed_frames(prompt.codes.to(self.device))
        return embedded

    def prefill(self, kv: PagedKV, sequence: Sequence, embedded: Tensor) -> None:
        """Append [T, hidden] tokens to a sequence. Raises ValueError or OutOfPagesError first.

        One sequence a call, so that what it computes depends on nothing else.
        """
        if not (tokens := len(embedded)):
            return
        start = sequence.length
        kv.extend(sequence, tokens)
        positions = torch.arange(start, start + tokens, device=self.device)[None]
        used = kv.block_table(sequence)[: len(sequence.pages)]
        self.forward(kv, embedded[None], positions, used[None].to(self.device))

    def forward(self, kv: PagedKV, states: Tensor, positions: Tensor, table: Tensor) -> Tensor:
        """Tokens [rows, T, hidden] at `positions` [rows, T] → [rows, T, hidden], normed.

        `table` [rows, pages] names the pages they are written to and read from, which must be
        theirs alone to write. No step of it waits for the device.
        """
        page = table.gather(1, positions // kv.page_size).long()
        places = (page * kv.page_size + positions % kv.page_size).flatten()
        attend = self._attention(table, positions, kv.page_size)
        turn = self._rotary.at(positions)
        for layer, own in enumerate(self._weights.layers):
            look = _through_pages(kv.keys[layer], kv.values[layer], places, attend)
            states = decoder_layer(states, own, self._config, turn, look)
        return rms_norm(states, self._weights.norm, self._config.rms_norm_eps)

    def logits(self, hidden: Tensor) -> Tensor:
        """[rows, hidden] → float32 scores of codebook 0, [rows, codebook_size]."""
        return functional.linear(hidden, self._weights.head).float()


def _through_pages(keys: Tensor, values: Tensor, places: Tensor, attend: AttendPages) -> Attend:
    """Write one layer's new keys and values to their places, then look back over the pages."""

    def write_and_attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        keys.flatten(0, 1).index_copy_(0, places, key.flatten(0, 1))
        values.flatten(0, 1).index_copy_(0, places, value.flatten(0, 1))
        return attend(query, keys, values)

    return write_and_attend
