"""From hypotheses that change to text that only grows. Pure."""


class Deltas:
    """One item's text as a client that can only append to it has it."""

    def __init__(self) -> None:
        self._sent = ""

    def upto(self, text: str) -> str:
        """What to append so that the client has `text`; nothing if it has as much.

        Where words were sent that the text now has otherwise, those stay as they are.
        """
        if text.startswith(self._sent):
            more = text[len(self._sent) :]
        else:
            more = text[_words_end(text, len(self._sent.split())) :]
        self._sent += more
        return more


def _words_end(text: str, count: int) -> int:
    """Where the text's first `count` words end."""
    end = 0
    for word in text.split()[:count]:
        end = text.index(word, end) + len(word)
    return end
