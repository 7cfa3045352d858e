"""Conversations as an engine holds them: with a cache alone, or with a model that speaks."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from csm_engine.context.budget import Budget
from csm_engine.context.context import Context
from csm_engine.csm.config import config_from
from csm_engine.csm.fields import Fields
from csm_engine.csm.frame_step import FrameStep, Slots
from csm_engine.csm.model import Csm
from csm_engine.csm.paged_kv import PagedKV, Sequence
from csm_engine.csm.prompt import Prompt, Prompter, Segment
from csm_engine.csm.synthetic import TINY, make_tokenizer
from csm_engine.protocol import Remembers
from csm_engine.text import expected_seconds
from tests.csm_tts.csm_rows import GREEDY, alone

CONFIG = config_from(Fields(TINY, "tiny"))
PROMPTER = Prompter(CONFIG, make_tokenizer(CONFIG))

CHUNK = 7
"""Tokens that are read at a time."""


def sound(frames: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(1, CONFIG.codebook_size, (frames, CONFIG.num_codebooks), generator=random)


@dataclass
class Said:
    """A segment as its call knows it; one that was spoken has an utterance."""

    segment: Segment
    utterance: str | None = None
    lead: int = 0
    sent: int = 0
    complete: bool = True

    def heard(self, frames: float) -> "Said | None":
        codes, text = self.segment.frames, self.segment.text
        assert codes is not None
        held = len(codes) - self.lead
        if self.complete and 0 < held <= frames:
            return self
        if (heard := min(frames, held)) < 12.5:
            return None
        share = int(heard) / (held if self.complete else round(expected_seconds(text) / 0.08))
        words = text.split()[: max(1, int(len(text.split()) * share + 1e-9))]
        left = codes[: self.lead + int(heard)]
        short = Segment(0, " ".join(words), left)
        return Said(short, self.utterance, self.lead, int(heard))


def numbers(prompt: Prompt) -> list[float]:
    """One for each token, and for each frame one of its own, near enough."""
    ids = prompt.ids.clone()
    audio = (ids == CONFIG.audio_token_id) | (ids == CONFIG.audio_eos_token_id)
    places = torch.arange(1, CONFIG.num_codebooks + 1) ** 4
    ids[audio] = 1_000 + (prompt.codes * places).sum(-1)
    return ids.float().tolist()


def length(history: Iterable[Said]) -> int:
    return len(PROMPTER.prompt(said.segment for said in history))


class Call:
    """After a voice of `voice` tokens. Tokens that are read are room in the cache, no more."""

    def __init__(
        self,
        *,
        voice: int = 20,
        pages: int = 64,
        page_size: int = 8,
        remembers: Remembers = "sounds",
    ) -> None:
        self.kv = PagedKV(CONFIG.backbone, pages=pages, page_size=page_size)
        self.prefix = Sequence()
        self.kv.extend(self.prefix, voice)
        self.budget = Budget.of(self.kv.max_length)
        self.context = Context(self.kv, PROMPTER, self.prefix, self.budget, remembers=remembers)

    def say(
        self, text: str, frames: int, *, utterance: str = "u", lead: int = 0, complete: bool = True
    ) -> Tensor:
        prompt = self.context.ask(utterance, text)
        self.kv.extend(self.context.sequence, len(prompt) - 1)
        self.context.read(len(prompt) - 1)
        self.kv.extend(self.context.sequence, frames)
        said = sound(frames, seed=frames)
        self.context.done(said, lead, complete=complete)
        return said

    def idle(self) -> None:
        unread = self.context.unread
        self.kv.extend(self.context.sequence, len(unread))
        self.context.read(len(unread))

    def remembers(self, *history: Segment) -> None:
        """And nothing else: all of it is read again, from the first."""
        self.context.evict()
        expected, unread = PROMPTER.prompt(history), self.context.unread
        assert unread.ids.tolist() == expected.ids.tolist()
        assert torch.equal(unread.codes, expected.codes)


class Calls:
    """Conversations over one voice, whose clip has `clip` frames and these `words`. Each frame is the
    likeliest."""

    def __init__(
        self,
        model: Csm,
        *,
        words: str = "Hello.",
        clip: int = 9,
        pages: int = 64,
        page_size: int = 16,
    ) -> None:
        self.model = model
        self.voice = Segment(0, words, sound(clip, seed=9))
        self.kv = PagedKV(model.config.backbone, pages=pages, page_size=page_size)
        self.budget = Budget.of(self.kv.max_length)
        self.prefix = Sequence()
        self._slots = Slots(model, self.kv, 1)
        self._step = FrameStep(model, self._slots, 1)
        self._read(self.prefix, model.prompter.prompt([self.voice]))

    def context(self, remembers: Remembers = "sounds") -> Context:
        prompter = self.model.prompter
        return Context(self.kv, prompter, self.prefix, self.budget, remembers=remembers)

    def say(
        self,
        context: Context,
        text: str,
        frames: int,
        *,
        utterance: str = "u",
        lead: int = 0,
        ahead: int = 1,
        complete: bool = True,
    ) -> Tensor:
        """So many frames of a sentence [frames, codebooks], and `ahead` steps that do not count."""
        prompt = context.ask(utterance, text)
        last = self._read(context.sequence, prompt, context)
        self._slots.admit(0, context.sequence, last, GREEDY)
        made = [self._frame(context.sequence) for _ in range(frames + ahead)]
        said = torch.stack(made)[:frames]
        self._slots.release(0)
        context.done(said, lead, complete=complete)
        return said

    def idle(self, context: Context) -> None:
        """Read what is left."""
        prompt = context.unread
        self.model.backbone.prefill(self.kv, context.sequence, self.model.backbone.embed(prompt))
        context.read(len(prompt))

    def oracle(self, history: list[Segment], text: str, frames: int) -> Tensor:
        """What is said after a history that is read from scratch."""
        prompt = self.model.prompter.prompt([self.voice, *history, Segment(0, text)])
        return alone(self.model, prompt, frames)

    def _read(self, sequence: Sequence, prompt: Prompt, context: Context | None = None) -> Tensor:
        """All of a voice's tokens, or all but the last, whose embedding is returned."""
        embedded = self.model.backbone.embed(prompt)
        for chunk in torch.split(embedded[:-1] if context else embedded, CHUNK):
            self.model.backbone.prefill(self.kv, sequence, chunk)
            if context:
                context.read(len(chunk))
        return embedded[-1]

    def _frame(self, sequence: Sequence) -> Tensor:
        self._slots.advance(0, sequence)
        self._step.choose([0])
        self._step.run()
        return self._step.result[0, :-1].long()
