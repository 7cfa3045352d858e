"""Whether a colleague takes the call. Pure: keys and words are passed in as they come."""

from agent.lexicon import Lexicon, words

TAKES = "1"
"""The key."""


class Asking:
    """Of one colleague. `taken` is None until they have decided."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._asked = False
        self.taken: bool | None = None

    def asks(self) -> None:
        """The question is about to be heard: words count from now on. Keys always do."""
        self._asked = True

    def key(self, key: str) -> None:
        self._decide(key == TAKES)

    def words(self, text: str) -> None:
        """Those that neither agree nor decline decide nothing."""
        spoken = words(text)
        rest = self._lexicon.agreements.without(spoken)
        if not self._asked:
            return
        if self._lexicon.refusals.within(rest):
            self._decide(False)
        elif len(rest) < len(spoken):
            self._decide(True)

    def leaves(self) -> None:
        """They have hung up, or are waited for no longer."""
        self._decide(False)

    def _decide(self, taken: bool) -> None:
        if self.taken is None:
            self.taken = taken
