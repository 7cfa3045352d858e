"""How far one form of a model is from another: scores of the same frames, made to say the same.

Frames that a model chose itself part at the first code that differs, and then say nothing of an
error's size. So both are given the frames (teacher forcing), and what they would have said is
compared.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from csm_engine.csm.depth import DepthCache
from csm_engine.csm.model import Csm
from csm_engine.csm.paged_kv import PagedKV, Sequence
from csm_engine.csm.prompt import Prompt

PAGE_SIZE = 64


@dataclass(frozen=True, slots=True)
class Distance:
    """Of scores, per codebook: [codebooks] float32 each.

    `largest` and `mean` are of the absolute difference, `spread` is the first model's standard
    deviation, to measure them by; `agreed` is the share of frames with the same likeliest code.
    """

    largest: Tensor
    mean: Tensor
    spread: Tensor
    agreed: Tensor


def distance(one: Csm, other: Csm, prompt: Prompt, frames: Tensor) -> Distance:
    """Between two forms of one model, after a prompt and over frames [count, codebooks]."""
    ours, theirs = (scores(model, prompt, frames).cpu() for model in (one, other))
    apart = (ours - theirs).abs()
    return Distance(
        largest=apart.amax((0, 2)),
        mean=apart.mean((0, 2)),
        spread=ours.std((0, 2)),
        agreed=(ours.argmax(2) == theirs.argmax(2)).float().mean(0),
    )


@torch.inference_mode()
def scores(model: Csm, prompt: Prompt, frames: Tensor) -> Tensor:
    """What a model scores each code of given frames [count, codebooks] after a prompt, [count,
    codebooks, codebook_size] float32."""
    backbone, device = model.backbone, model.device
    frames = frames.to(device)
    kv = PagedKV(
        model.config.backbone,
        pages=-(-(len(prompt) + len(frames)) // PAGE_SIZE),
        page_size=PAGE_SIZE,
        dtype=model.dtype,
        device=device,
    )
    sequence = Sequence()
    embedded = backbone.embed(prompt)
    backbone.prefill(kv, sequence, embedded[:-1])
    cache = DepthCache(model.config, 1, dtype=model.dtype, device=device)
    states, said = embedded[-1], []
    for frame in frames:
        positions = torch.tensor([[sequence.length]], device=device)
        kv.extend(sequence, 1)
        table = kv.block_table(sequence).to(device)[None]
        hidden = backbone.forward(kv, states[None, None], positions, table)[:, 0]
        forced = _Forced(frame[None])
        model.depth.frame(cache, hidden, backbone.logits(hidden), forced)
        said.append(torch.cat(forced.scores))
        states = backbone.embed_frames(frame)
    return torch.stack(said)


class _Forced:
    """Picks what it was given, and keeps the scores that were to decide."""

    def __init__(self, codes: Tensor) -> None:
        self.codes = codes
        self.scores: list[Tensor] = []

    def __call__(self, logits: Tensor, codebook: int, *tables: Tensor) -> tuple[Tensor, ...]:
        self.scores.append(logits.float())
        return tuple(functional.embedding(self.codes[:, codebook], table) for table in tables)
