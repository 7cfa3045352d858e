"""What conversations are told besides sentences, and what is read of it before anybody needs it."""

import logging

from torch import Tensor

from csm_engine.context.context import Context
from csm_engine.csm.page_pool import OutOfPagesError
from csm_engine.csm.prompt import PromptError
from csm_engine.engine.contexts import SPEAKERS, Contexts
from csm_engine.engine.listening import Ear, Listening
from csm_engine.engine.talk import Append, Cut, Talk

logger = logging.getLogger(__name__)


class Talks:
    """A conversation is there from its first command to `close`."""

    def __init__(self, contexts: Contexts, listening: Listening | None) -> None:
        self._contexts = contexts
        self._listening = listening
        self._held: dict[Talk, Context] = {}
        self._ears: dict[Talk, Ear | None] = {}
        # Those that may have something to read, the oldest news first.
        self._unread: dict[Talk, None] = {}

    def __len__(self) -> int:
        return len(self._held)

    def context(self, talk: Talk) -> Context:
        if talk not in self._held:
            self._held[talk] = self._contexts.open(talk.voice, talk.remembers)
        return self._held[talk]

    def cut(self, cut: Cut) -> None:
        """At once, or when the sentence that it is speaking is over."""
        if cut.talk in self._held:
            cut.talk.playout.cut()
            self._held[cut.talk].cut(cut.utterance, cut.played)
            self.news(cut.talk)

    def append(self, turn: Append) -> None:
        frames = self._heard(turn.talk) if turn.speaker == "caller" else None
        try:
            self.context(turn.talk).append(SPEAKERS[turn.speaker], turn.text, frames)
        except (PromptError, ValueError) as error:
            logger.warning("a turn is not remembered: %s", type(error).__name__)
            return
        self.news(turn.talk)

    def _heard(self, talk: Talk) -> Tensor | None:
        if (ear := self._ears.get(talk)) is not None:
            return ear.take()
        self._ears.pop(talk, None)  # the next turn may find one
        return None

    def hear(self, talk: Talk, pcm: bytes) -> None:
        if talk not in self._ears:
            ear = self._listening.begin(talk.caller_rate) if self._listening else None
            if ear is None:
                logger.warning("no room to listen to another caller: words are kept, not sound")
            self._ears[talk] = ear
        if (ear := self._ears[talk]) is not None:
            ear.hear(pcm)

    def reset(self, talk: Talk) -> None:
        if talk in self._held:
            self._held[talk].reset()

    def close(self, talk: Talk) -> None:
        """After its sentence was stopped. Once or more."""
        if (ear := self._ears.pop(talk, None)) is not None:
            ear.close()
        if (context := self._held.pop(talk, None)) is not None:
            self._contexts.close(context)
        self._unread.pop(talk, None)

    def news(self, talk: Talk) -> None:
        """Its context may have something to read, or be too long."""
        if talk in self._held:
            self._unread[talk] = None

    def read(self, tokens: int) -> bool:
        """Up to so many tokens for the next sentence of one that is idle; False: there was nothing."""
        for talk in self._unread:
            context = self._held[talk]
            if self._contexts.is_idle(context):
                break
        else:
            return False
        context.trim()
        unread = context.unread
        taken = min(tokens, len(unread))
        try:
            if taken:
                self._contexts.read(context, unread, taken)
        except OutOfPagesError:
            taken = len(unread)  # it will be read with the next sentence
        except Exception:
            del self._unread[talk]
            context.evict()  # nobody knows what of it was written
            raise
        if taken == len(unread):
            del self._unread[talk]
        return True

    def listen(self, rows: int) -> bool:
        """Encode what up to `rows` callers have said; False: there was nothing."""
        return self._listening is not None and self._listening.work(rows)
