"""The conversations that an engine holds in its pages, and the voices that they begin with."""

from collections.abc import Sequence as Listed
from dataclasses import dataclass

import torch

from csm_engine.clip import VoiceError
from csm_engine.context.budget import Budget
from csm_engine.context.context import Context
from csm_engine.csm.model import Csm
from csm_engine.csm.page_pool import OutOfPagesError
from csm_engine.csm.paged_kv import PagedKV, Sequence
from csm_engine.csm.prompt import Prompt, Segment
from csm_engine.engine.codec import Codec, NoSlotError
from csm_engine.protocol import Remembers
from csm_engine.voices import Voice

SPEAKERS = {"agent": 0, "caller": 1}
"""As segments name them; a voice's own clip is the agent's."""


@dataclass(frozen=True, slots=True)
class _Prefix:
    """A voice's prompt, read once."""

    sequence: Sequence
    codec_slot: int


class Contexts:
    """Pages that nobody speaks from are a cache: they are given up when others need them."""

    def __init__(self, model: Csm, kv: PagedKV, codec: Codec) -> None:
        self._model = model
        self._kv = kv
        self._codec = codec
        self._budget = Budget.of(kv.max_length)
        self._prefixes: dict[str, _Prefix] = {}
        # By last use, the latest last; those with a sentence in the making are not idle.
        self._idle: dict[Context, None] = {}
        self._busy: set[Context] = set()

    def add_voice(self, voice: Voice) -> None:
        """Read a voice's prompt. Raises VoiceError."""
        sequence = Sequence()
        speaker = SPEAKERS["agent"]
        try:
            prompt = self._model.prompter.prompt([Segment(speaker, voice.transcript, voice.codes)])
            self._prefill(sequence, self._model.backbone.embed(prompt), None)
            slot = self._codec.add_voice(voice.codes)
        except (OutOfPagesError, NoSlotError, ValueError) as error:
            self._kv.free(sequence)
            raise VoiceError(f"voice {voice.name!r}: {error}") from error
        self._prefixes[voice.name] = _Prefix(sequence, slot)

    @property
    def pages_of_one(self) -> int:
        """For a sentence after a voice's prompt."""
        tokens = self._budget.reserve + self._budget.segment
        return -(-tokens // self._kv.page_size)

    def codec_slot(self, voice: str) -> int:
        return self._prefixes[voice].codec_slot

    def open(self, voice: str, remembers: Remembers) -> Context:
        prefix = self._prefixes[voice].sequence
        context = Context(self._kv, self._model.prompter, prefix, self._budget, remembers=remembers)
        self._idle[context] = None
        return context

    def close(self, context: Context) -> None:
        self._idle.pop(context, None)
        self._busy.discard(context)
        context.close()

    def is_idle(self, context: Context) -> bool:
        return context in self._idle

    def take(self, context: Context) -> None:
        """A sentence of it begins: its pages stay."""
        del self._idle[context]
        self._busy.add(context)

    def give_back(self, context: Context) -> None:
        self._busy.remove(context)
        self._idle[context] = None

    def read(self, context: Context, prompt: Prompt, tokens: int) -> None:
        """Prefill the first `tokens` of what a context has not read. Raises OutOfPagesError."""
        self.prefill(context, self._model.backbone.embed(prompt)[:tokens])
        context.read(tokens)

    def prefill(self, context: Context, embedded: torch.Tensor) -> None:
        """[T, hidden] after what it has. Raises OutOfPagesError when no pages can be spared."""
        self._prefill(context.sequence, embedded, context)

    def _prefill(self, sequence: Sequence, embedded: torch.Tensor, wanting: Context | None) -> None:
        while True:
            try:
                self._model.backbone.prefill(self._kv, sequence, embedded)
            except OutOfPagesError:
                if not self.spare(wanting):
                    raise
            else:
                return

    def spare(self, wanting: Context | None) -> bool:
        """Give up what has been idle the longest. False when there is nothing to give up."""
        return any(context.evict() for context in list(self._idle) if context is not wanting)

    @property
    def spare_pages(self) -> int:
        """Free, or held by what can be given up. May be asked on another thread."""
        idle: Listed[Context] = list(self._idle)
        pool = self._kv.pool
        held = (page for context in idle for page in list(context.sequence.pages))
        return pool.free + sum(pool.holders(page) == 1 for page in held)
