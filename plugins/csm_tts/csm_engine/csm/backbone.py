"""The backbone: a Llama over text and audio frames, its keys and values in pages."""

import torch
from torch import Tensor
from torch.nn import functional

from csm_engine.csm import weights
from csm_engine.csm.config import CsmConfig
from csm_engine.csm.layers import decode
from csm_engine.csm.paged_kv import PagedKV, Sequence
from csm_engine.csm.prompt import Prompt
from csm_engine.csm.rope import RotaryTable
from csm_engine.kernels.ops import Ops
from csm_engine.kernels.plain import embed_frames


class Backbone:
    """Embeds prompts and frames, and runs tokens through the layers."""

    def __init__(self, config: CsmConfig, weights: weights.Backbone, ops: Ops) -> None:
        self._config = config.backbone
        self._audio_token = config.audio_token_id
        self._audio_eos = config.audio_eos_token_id
        self._weights = weights
        self._ops = ops
        device = weights.audio.device
        self._rotary = RotaryTable(config.backbone, device)
        self._vocab_size = config.vocab_size

    @property
    def device(self) -> torch.device:
        return self._weights.audio.device

    @property
    def dtype(self) -> torch.dtype:
        return self._weights.audio.dtype

    def embed_frames(self, codes: Tensor) -> Tensor:
        """Frames [..., codebooks] → [..., hidden]: the sum over their codes."""
        return embed_frames(codes, self._weights.audio, self._vocab_size)

    def embed(self, prompt: Prompt) -> Tensor:
        """A prompt of T tokens → [T, hidden], its audio tokens replaced by their frames."""
        # Found before it is on the device, which would have to be waited for.
        audio = (prompt.ids == self._audio_token) | (prompt.ids == self._audio_eos)
        ids, codes, places = (
            each.to(self.device, non_blocking=True)
            for each in (prompt.ids, prompt.codes, audio.nonzero()[:, 0])
        )
        embedded = functional.embedding(ids, self._weights.text)
        return embedded.index_copy_(0, places, self.embed_frames(codes))

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
        table = used[None].to(self.device, non_blocking=True)
        self.forward(kv, embedded[None], positions, table)

    def forward(self, kv: PagedKV, states: Tensor, positions: Tensor, table: Tensor) -> Tensor:
        """Tokens [rows, T, hidden] at `positions` [rows, T] → [rows, T, hidden], normed.

        `table` [rows, pages] names the pages they are written to and read from, which must be
        theirs alone to write. No step of it waits for the device.
        """
        over = self._ops.over_pages(table, positions, kv.page_size, self._rotary, self._config)

        def look(layer: int, projections: Tensor) -> Tensor:
            return over(projections, kv.keys[layer], kv.values[layer])

        return decode(self._ops, self._config, self._weights, states, look)

    def logits(self, hidden: Tensor) -> Tensor:
        """[rows, hidden] → scores of codebook 0, [rows, codebook_size]."""
        return functional.linear(hidden, self._weights.head)
