"""One frame for each of a batch of rows: backbone, code 0, the depth decoder, sampler, end.

A slot is one utterance's place in static buffers; a step works on the slots it is given, wherever
each stands in its own context. A step's shapes are fixed and the host reads nothing in it, so it
can be captured in a CUDA graph and replayed.
"""

import torch
from torch import Tensor

from csm_engine.csm.depth import DepthCache
from csm_engine.csm.model import Csm
from csm_engine.csm.paged_kv import PagedKV, Sequence
from csm_engine.csm.sampler import Sampling
from csm_engine.kernels.ops import After, Draw


class Slots:
    """State of `count` utterances, and of one slot more that rows of padding use.

    `inputs` [slots, hidden] is what the backbone reads next: the last token of a prompt, then each
    frame that was made. `positions`, `frames`, `seeds`, `top_k`, `min_frames` are int64 [slots],
    `temperature` float32 [slots], `block_table` int32 [slots, pages].
    """

    def __init__(self, model: Csm, kv: PagedKV, count: int) -> None:
        device, slots = model.device, count + 1
        self.padding = count
        self.kv = kv
        self.inputs = torch.zeros(
            slots, model.config.backbone.hidden_size, dtype=model.dtype, device=device
        )
        self.block_table = torch.zeros(slots, kv.max_pages, dtype=torch.int32, device=device)
        self.positions, self.frames, self.seeds, self.top_k, self.min_frames = (
            torch.zeros(slots, dtype=torch.long, device=device) for _ in range(5)
        )
        self.temperature = torch.zeros(slots, dtype=torch.float32, device=device)

    def admit(self, slot: int, sequence: Sequence, last: Tensor, sampling: Sampling) -> None:
        """Begin an utterance: its prompt is in `sequence`, but for its `last` token [hidden]."""
        self.inputs[slot] = last
        self.positions[slot] = sequence.length
        self.frames[slot] = 0
        self.seeds[slot] = sampling.seed
        self.temperature[slot] = sampling.temperature
        self.top_k[slot] = sampling.top_k
        self.min_frames[slot] = sampling.min_frames
        self._show_pages(slot, sequence)

    def advance(self, slot: int, sequence: Sequence) -> None:
        """Before each step: make room for the token it writes.

        Raises ValueError when the context is full, OutOfPagesError when the pool is.
        """
        before = list(sequence.pages)
        self.kv.extend(sequence, 1)
        if sequence.pages != before:
            self._show_pages(slot, sequence)

    def release(self, slot: int) -> None:
        """Stop naming the pages of an utterance that ended: they may be another's next."""
        self.block_table[slot] = 0

    def _show_pages(self, slot: int, sequence: Sequence) -> None:
        table = self.kv.block_table(sequence)
        self.block_table[slot] = table.to(self.block_table.device, non_blocking=True)


class FrameStep:
    """The step for batches of `rows`; those without an utterance name the padding slot.

    `result` [rows, codebooks + 1] int32 holds the frames made, and 1 in the last column where an
    utterance ended: that frame is no audio.
    """

    def __init__(self, model: Csm, slots: Slots, rows: int) -> None:
        config = model.config
        device = model.device
        self._model = model
        self._config = config
        self._slots = slots
        self._cache = DepthCache(config, rows, dtype=model.dtype, device=device)
        self._rows = torch.full((rows,), slots.padding, device=device)
        self.result = torch.zeros(rows, config.num_codebooks + 1, dtype=torch.int32, device=device)
        self._after = After(
            rows=self._rows,
            padding=slots.padding,
            embedding=model.weights.backbone.audio,
            vocab_size=config.vocab_size,
            eos=config.codebook_eos_token_id,
            inputs=slots.inputs,
            positions=slots.positions,
            frames=slots.frames,
            result=self.result,
        )

    def choose(self, slots: list[int]) -> None:
        """Which slots the next steps work on, in this order, each at most once."""
        empty = len(self._rows) - len(slots)
        if empty < 0 or len(set(slots)) < len(slots):
            raise ValueError(f"{slots} are not up to {len(self._rows)} slots, each once")
        chosen = torch.tensor(slots + [self._slots.padding] * empty)
        self._rows.copy_(chosen, non_blocking=True)

    def run(self) -> None:
        """Make one frame a row, into `result`, and let it be the row's next input."""
        slots, rows = self._slots, self._rows
        positions = slots.positions[rows]
        hidden = self._model.backbone.forward(
            slots.kv, slots.inputs[rows][:, None], positions[:, None], slots.block_table[rows]
        )[:, 0]
        scores = self._model.backbone.logits(hidden)
        picker = self._model.ops.picker(self._draw(), self._config)
        codes = self._model.depth.frame(self._cache, hidden, scores, picker)
        self._model.ops.close(codes, self._after)

    def _draw(self) -> Draw:
        slots, rows = self._slots, self._rows
        return Draw(
            slots.temperature[rows],
            slots.top_k[rows],
            slots.seeds[rows],
            slots.frames[rows],
            slots.min_frames[rows],
        )
