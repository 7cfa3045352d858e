"""What the tests of the CSM model share: rows stepped as an engine steps them, and the oracle."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from csm_engine.csm.config import CsmConfig
from csm_engine.csm.frame_step import FrameStep, Slots
from csm_engine.csm.model import Csm
from csm_engine.csm.paged_kv import PagedKV, Sequence
from csm_engine.csm.prompt import BEGIN, END, Prompt
from csm_engine.csm.sampler import Sampling

GREEDY = Sampling(temperature=0, top_k=0)


def text_prompt(config: CsmConfig, length: int, seed: int = 1) -> Prompt:
    """Random text tokens: a model that was never trained takes any for speech."""
    random = torch.Generator().manual_seed(100 * seed + length)
    ids = torch.randint(0, 256, (length,), generator=random)
    return Prompt(ids, torch.empty(0, config.num_codebooks, dtype=torch.long))


class Rows:
    """Utterances in slots of one cache, stepped together in a batch of a fixed width."""

    def __init__(
        self, model: Csm, *, slots: int = 4, width: int = 4, pages: int = 64, page_size: int = 16
    ) -> None:
        self.model = model
        config = model.config.backbone
        self.kv = PagedKV(config, pages=pages, page_size=page_size, dtype=model.dtype)
        self.slots = Slots(model, self.kv, slots)
        self.sequences: dict[int, Sequence] = {}
        self._step = FrameStep(model, self.slots, width)

    def begin(
        self,
        slot: int,
        prompt: Prompt,
        sampling: Sampling = GREEDY,
        *,
        after: Sequence | None = None,
    ) -> Sequence:
        """An utterance after a kept context, or after none."""
        sequence = after or Sequence()
        embedded = self.model.backbone.embed(prompt)
        self.model.backbone.prefill(self.kv, sequence, embedded[:-1])
        self.slots.admit(slot, sequence, embedded[-1], sampling)
        self.sequences[slot] = sequence
        return sequence

    def step(self, *slots: int) -> Tensor:
        """One frame of each, and whether it ended: [slots, codebooks + 1]."""
        for slot in slots:
            self.slots.advance(slot, self.sequences[slot])
        self._step.choose(list(slots))
        self.run()
        return self._step.result[: len(slots)].long().clone()

    def run(self) -> None:
        """The step alone, as a graph would hold it."""
        self._step.run()

    def frames(self, count: int, *slots: int) -> Tensor:
        """[slots, count, codebooks]"""
        return torch.stack([self.step(*slots)[:, :-1] for _ in range(count)], dim=1)

    def end(self, slot: int) -> None:
        self.slots.release(slot)
        self.kv.free(self.sequences.pop(slot))


def alone(
    model: Csm, prompt: Prompt, count: int, sampling: Sampling = GREEDY, **cache: int
) -> Tensor:
    """[count, codebooks] of an utterance without neighbours."""
    rows = Rows(model, **cache)
    rows.begin(0, prompt, sampling)
    return rows.frames(count, 0)[0]


def oracle(folder: Path) -> Any:
    """transformers' model of the same folder, and nothing left that it did not find there."""
    import transformers  # noqa: PLC0415 - seconds, for some tests

    load: Any = transformers.CsmForConditionalGeneration.from_pretrained
    model, told = load(folder, output_loading_info=True)
    assert not any(told.values()), told
    return model.eval()


def processor(folder: Path) -> Any:
    """transformers' processor around a folder's tokenizer."""
    import transformers  # noqa: PLC0415

    library: Any = transformers
    tokenizer = library.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), bos_token=BEGIN, eos_token=END, pad_token=END
    )
    return library.CsmProcessor(library.EncodecFeatureExtractor(sampling_rate=24_000), tokenizer)


def generated(oracle: Any, config: CsmConfig, count: int, **inputs: Tensor) -> Tensor:
    """What transformers says greedily, [frames, codebooks], of codes that the codec has."""
    lacking = list(range(config.codebook_size, config.vocab_size))
    with torch.no_grad():
        frames: Tensor = oracle.generate(
            **inputs,
            max_new_tokens=count,
            do_sample=False,
            depth_decoder_do_sample=False,
            suppress_tokens=lacking,
            depth_decoder_suppress_tokens=lacking,
        )
    return frames[0]
