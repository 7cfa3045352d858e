"""The turns of a conversation, and how far they have been read. No cache here, and no device."""

from collections.abc import Iterable

from csm_engine.context.turn import Turn
from csm_engine.csm.prompt import Prompt, Prompter

MOST_DROPPED = 64
"""Utterances of which it is known that turns were dropped: the latest are what may be cut."""


class History:
    """`read` of its tokens, the first, are in the cache. A turn that is changed or dropped lowers
    it: what follows must be read again."""

    def __init__(self, prompter: Prompter) -> None:
        self._prompter = prompter
        self._turns: list[Turn] = []
        # Frames that were sent in turns that are dropped, by utterance: they were heard first.
        self._dropped: dict[str, int] = {}
        self.read = 0

    def __len__(self) -> int:
        """Tokens."""
        return sum(map(len, self._turns))

    def unread(self) -> Prompt:
        prompt, read = self._prompter.prompt([]), self.read
        for turn in self._turns:
            if read < len(turn):
                prompt = prompt + turn.rest(read)
            read = max(0, read - len(turn))
        return prompt

    def has(self, utterance: str) -> bool:
        return any(turn.utterance == utterance for turn in self._turns)

    def add(self, turns: Iterable[Turn]) -> None:
        self._turns += turns

    def cut(self, utterance: str, heard: float) -> None:
        """Of the utterance's sent frames no more than `heard` were heard."""
        left: list[Turn] = []
        heard = max(0.0, heard - self._dropped.get(utterance, 0))
        for turn in self._turns:
            if turn.utterance != utterance:
                left.append(turn)
                continue
            if rest := turn.heard(self._prompter, heard):
                left.append(rest)
            heard = max(0.0, heard - turn.sent)
        self._become(left)

    def mend(self) -> None:
        """Let a sentence that was stopped, and that nobody cut, have the words that it came to."""
        left: list[Turn] = []
        for turn in self._turns:
            if turn.complete:
                left.append(turn)
            elif rest := turn.heard(self._prompter, turn.sent):
                left.append(rest)
        self._become(left)

    def shrink(self, tokens: int) -> None:
        """Drop the oldest turns until so many tokens are left, or fewer."""
        left = list(self._turns)
        excess = len(self) - tokens
        while left and excess > 0:
            turn = left.pop(0)
            excess -= len(turn)
            self._note(turn)
        self._become(left)

    def forget(self) -> None:
        self._dropped.clear()
        self._become([])

    def _note(self, turn: Turn) -> None:
        if turn.utterance is None:
            return
        self._dropped[turn.utterance] = self._dropped.get(turn.utterance, 0) + turn.sent
        if len(self._dropped) > MOST_DROPPED:
            del self._dropped[next(iter(self._dropped))]

    def _become(self, turns: list[Turn]) -> None:
        same = 0
        for old, new in zip(self._turns, turns, strict=False):
            if old is not new:
                break
            same += len(old)
        self._turns = turns
        self.read = min(self.read, same)
