"""What leads the text: earlier text and keyterms, then the tokens that say language and task.

CTranslate2 wants `<|startoftranscript|>` at one index in a batch (OpenNMT/CTranslate2, issue 1457). So
the part before it has one of a few lengths:

- keyterms and the initial prompt are repeated, the oldest copy cut, until a length is filled: a list of
  terms said twice is still a list of terms, and no token stands there that Whisper never saw there;
- the text said before is cut to the longest length that it fills, and left out when it fills none.
"""

from collections.abc import Sequence

from tokenizers import Tokenizer

from whisper_engine.whisper.tokens import END, NO_TIMESTAMPS, PREVIOUS, START, language_token

PREVIOUS_LENGTHS = (0, 16, 32, 64)
"""Tokens before `<|startoftranscript|>`, `<|startofprev|>` counted. Whisper itself takes up to 224; more
text makes loops likelier and the last words weigh most."""

CONTEXT_TOKENS = 31


class Prompts:
    """Of one model's tokenizer."""

    def __init__(self, tokenizer: Tokenizer, *, multilingual: bool) -> None:
        self._tokenizer = tokenizer
        self._multilingual = multilingual
        self._end = self._id(END)

    def start(self, language: str) -> tuple[int, ...]:
        """From `<|startoftranscript|>` to `<|notimestamps|>`: without timestamps Whisper errs less."""
        return (*self.align_start(language), self._id(NO_TIMESTAMPS))

    def align_start(self, language: str) -> tuple[int, ...]:
        """The same, as `align()` wants it. An English-only model knows no language and no task."""
        start = self._id(START)
        if not self._multilingual:
            return (start,)
        return (start, self._id(language_token(language)), self._id("<|transcribe|>"))

    def build_previous(
        self, initial_prompt: str = "", keyterms: Sequence[str] = (), context: str = ""
    ) -> tuple[int, ...]:
        """Tokens from `<|startofprev|>` on, of a length in `PREVIOUS_LENGTHS`.

        Args:
            initial_prompt: its end is kept when it is too long.
            keyterms: the first ones are kept, whole, when they are too many.
            context: what was said just before; its end is kept. It stands last, where it weighs most.
        """
        room = PREVIOUS_LENGTHS[-1] - 1
        recent = self._encode(context)[-CONTEXT_TOKENS:]
        lasting = self._lasting(initial_prompt, keyterms, room - len(recent))
        if lasting:
            length = next(n for n in PREVIOUS_LENGTHS if n > len(lasting) + len(recent))
            times = length // len(lasting) + 1
            text = (lasting * times + recent)[-(length - 1) :]
        else:
            length = max(n for n in PREVIOUS_LENGTHS if n <= len(recent) + 1)
            text = recent[-(length - 1) :]
        return (self._id(PREVIOUS), *text) if length > 1 else ()

    def _lasting(self, initial_prompt: str, keyterms: Sequence[str], room: int) -> list[int]:
        terms: list[int] = []
        named = [term.strip() for term in keyterms if term.strip()]
        for number in range(1, len(named) + 1):
            longer = self._encode(", ".join(named[:number]) + ".")
            if len(longer) > room:
                break
            terms = longer
        prompt = self._encode(initial_prompt)
        return prompt[max(0, len(prompt) - (room - len(terms))) :] + terms

    def _encode(self, text: str) -> list[int]:
        """Special tokens that are spelled out in the text are left out: a caller's word must not act as one."""
        text = text.strip()
        if not text:
            return []
        ids: list[int] = self._tokenizer.encode(" " + text, add_special_tokens=False).ids
        return [number for number in ids if number < self._end]

    def _id(self, token: str) -> int:
        number = self._tokenizer.token_to_id(token)
        if number is None:
            raise ValueError(f"the tokenizer lacks {token}")
        return int(number)
