"""What one conversation has said, kept in the cache from sentence to sentence (csm.md §4.4)."""

from dataclasses import dataclass, field, replace

from torch import Tensor

from csm_engine.context.budget import Budget
from csm_engine.context.history import History
from csm_engine.context.turn import AGENT, Turn
from csm_engine.csm import paged_kv
from csm_engine.csm.paged_kv import PagedKV
from csm_engine.csm.prompt import Prompt, Prompter, Segment
from csm_engine.protocol import FRAME_SECONDS, Remembers


@dataclass(eq=False, slots=True)
class _Sentence:
    """That is being spoken, and what came meanwhile: turns, frames that were heard of utterances,
    and whether all of it is to be forgotten."""

    utterance: str
    text: str
    later: list[Turn] = field(default_factory=list)
    cuts: dict[str, float] = field(default_factory=dict)
    forgotten: bool = False


class Context:
    """What one conversation has said, as tokens: those whose keys and values are in the cache, and
    those still to be read.

    `sequence` is the same object until `close`. A caller that reads tokens into it, or lets a
    sentence's frames grow in it, tells so by `read` and `done`. All methods belong to one thread.
    """

    def __init__(
        self,
        kv: PagedKV,
        prompter: Prompter,
        prefix: paged_kv.Sequence,
        budget: Budget,
        *,
        remembers: Remembers,
    ) -> None:
        """`prefix` is the voice's prompt, whose pages are shared: it must outlive the context."""
        self._kv = kv
        self._prompter = prompter
        self._prefix = prefix
        self._budget = budget
        self._remembers = remembers
        self._history = History(prompter)
        self._sentence: _Sentence | None = None
        self.sequence = kv.fork(prefix)

    @property
    def unread(self) -> Prompt:
        """What idle time should read; nothing while a sentence is being spoken."""
        return self._prompter.prompt([]) if self._sentence else self._history.unread()

    def ask(self, utterance: str, text: str) -> Prompt:
        """Begin a sentence: all tokens to be read after `sequence` before its first frame.

        Old turns are dropped at once where it would not fit. Raises PromptError for a text without
        words and ValueError for one that fits no context, with nothing changed in either case.
        """
        if self._sentence:
            raise RuntimeError("a sentence is being spoken: end it first")
        words = self._prompter.text(AGENT, text)
        room = self._room - len(words)
        if room < 0:
            raise ValueError(
                f"a sentence of {len(words)} tokens: beside its voice's prompt the model has"
                f" positions for {self._room}: split it"
            )
        self._mend()
        self._fit(room)
        # A read that failed may have left tokens that nobody counted.
        self._settle()
        self._sentence = _Sentence(utterance, text)
        return self._history.unread() + words

    def read(self, tokens: int) -> None:
        """So many of the tokens that `ask` or `unread` gave, the next ones, are in `sequence`."""
        read = min(self._history.read + tokens, len(self._history))
        if self._held < read:
            raise ValueError(f"the sequence holds {self._held} tokens after its prefix, not {read}")
        self._history.read = read

    def done(self, frames: Tensor, lead: int, *, complete: bool = True) -> None:
        """The sentence ended, or was stopped and is not `complete`.

        Args:
            frames: [n, codebooks] int64, all that count, from the first; none: it was never said.
            lead: the first of them, which were silence and not sent.
        """
        if (sentence := self._sentence) is None:
            raise RuntimeError("no sentence is being spoken")
        self._sentence = None
        if sentence.forgotten:
            self._history.forget()
        elif len(frames) and self._remembers != "nothing":
            self._keep(sentence, frames, lead, complete=complete)
        for utterance, heard in sentence.cuts.items():
            self._history.cut(utterance, heard)
        self._history.add(sentence.later)
        self._settle()

    def cut(self, utterance: str, played: float) -> None:
        """Of all that was sent of this utterance no more than `played` seconds were heard.

        What was heard of a sentence stays, with its words alone, if it is a second or more; what
        was not is forgotten: at the end of the sentence that is being spoken, if there is one.
        """
        # Rounded: 0.24 / 0.08 is less than 3.
        heard = round(played / FRAME_SECONDS, 6)
        if (sentence := self._sentence) is None:
            self._history.cut(utterance, heard)
            self._settle()
        elif utterance == sentence.utterance or self._history.has(utterance):
            sentence.cuts[utterance] = min(heard, sentence.cuts.get(utterance, heard))

    def append(self, speaker: int, text: str, frames: Tensor | None) -> None:
        """A turn that was not spoken here; it follows the sentence that is being spoken.

        How a caller sounded is kept by `sounds` alone, its last 20 s. Raises PromptError.
        """
        if speaker != AGENT:
            if self._remembers in ("nothing", "agent"):
                return
            if self._remembers == "texts":
                frames = None
        elif self._remembers == "nothing":
            return
        if frames is not None:
            frames = frames[-self._budget.segment :]
        turn = Turn.written(self._prompter, Segment(speaker, text, frames))
        if self._sentence:
            self._sentence.later.append(turn)
            _bound(self._sentence.later, self._budget.history)
        else:
            self._history.add([turn])
            self._fit(self._room)

    def trim(self) -> bool:
        """Drop the oldest turns where there are more than the budget allows, and the words that a
        stopped sentence did not come to; what is left must be read again, so this is for idle time.
        False where nothing was dropped, as while a sentence is being spoken."""
        before = len(self._history)
        if self._sentence is None:
            self._mend()
            self._fit(self._budget.history)
        return len(self._history) < before

    def evict(self) -> int:
        """Give all own pages back, and read everything again later. How many are free by that: none
        while a sentence is being spoken."""
        before = self._kv.pool.free
        if self._sentence is None:
            self._history.read = 0
            self._settle()
        return self._kv.pool.free - before

    def reset(self) -> None:
        """Forget what was said, and the sentence that is being spoken once it has ended."""
        if (sentence := self._sentence) is None:
            self._history.forget()
            self._settle()
        else:
            sentence.forgotten = True
            sentence.later.clear()
            sentence.cuts.clear()

    def close(self) -> None:
        """Give back all pages, at any time. Nothing may follow but another `close`."""
        self._kv.free(self.sequence)

    @property
    def _room(self) -> int:
        """Positions between the prefix and a sentence's frames."""
        return self._kv.max_length - self._prefix.length - self._budget.reserve

    @property
    def _held(self) -> int:
        """Tokens after the prefix in the cache."""
        return self.sequence.length - self._prefix.length

    def _keep(self, sentence: _Sentence, frames: Tensor, lead: int, *, complete: bool) -> None:
        before = len(self._history)
        turn = Turn.spoken(
            self._prompter,
            sentence.utterance,
            sentence.text,
            frames,
            lead=lead,
            complete=complete,
        )
        if len(frames) <= self._budget.segment:
            self._history.add([turn])
            # Its end is none of the frames that were made: it is read with what follows.
            self._history.read = min(self._held, before + len(turn) - 1)
        elif short := turn.heard(self._prompter, self._budget.segment - lead):
            self._history.add([replace(short, sent=turn.sent)])

    def _mend(self) -> None:
        self._history.mend()
        self._settle()

    def _fit(self, tokens: int) -> None:
        if len(self._history) > tokens:
            self._history.shrink(min(tokens, self._budget.history // 2))
            self._settle()

    def _settle(self) -> None:
        """Let the cache hold what the history says was read, and nothing else."""
        if self._history.read:
            self._kv.truncate(self.sequence, self._prefix.length + self._history.read)
            return
        # Not cut but shared anew: its copy of the prefix's last page is given back too.
        self._kv.free(self.sequence)
        fork = self._kv.fork(self._prefix)
        self.sequence.pages, self.sequence.length = fork.pages, fork.length


def _bound(turns: list[Turn], tokens: int) -> None:
    """Drop the oldest, but for the last one, while there are more tokens."""
    while len(turns) > 1 and sum(map(len, turns)) > tokens:
        turns.pop(0)
