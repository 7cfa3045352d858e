"""Punctuation → the few marks that CSM reads well: comma, stop, question and exclamation mark."""

import re

from csm_engine.text.options import Options
from csm_engine.text.rule import LETTER, Rule, chain, sub

_MARKS = ",.!?"
_RUN = re.compile(r"[,.!?](?:\s{0,9}[,.!?]){1,99}")
_STRONGEST_FIRST = "?!.,"


def _strongest(match: re.Match[str]) -> str:
    return next(mark for mark in _STRONGEST_FIRST if mark in match[0])


def _ended(text: str, options: Options) -> str:
    """CSM drops the last phoneme of a text that no mark ends."""
    text = text.strip(" -'").lstrip(_MARKS + " -'")
    if not text:
        return ""
    if text[-1] == ",":
        text = text.rstrip(", -'")
    return text if text[-1] in ".!?" else text + "."


speak: Rule = chain(
    sub(r"\.{2,99}(?=\s{0,3}[a-z])", ", "),
    sub(r"\s{0,3}[()\[\]{}|;:—]{1,99}\s{0,3}|\s{1,3}-{1,99}(?=\s)|-{2,99}", ", "),
    sub(r'"', " "),
    sub(r"(?<!\w)'([^'\n]{1,80})'(?!\w)", r" \1 "),
    sub(r"(?<![^\W\d_])'|'(?![^\W\d_])(?<![sS]')", " "),
    sub(rf"(?<!{LETTER})-|-(?!{LETTER})", " "),
    sub(r"\s{1,999}", " "),
    sub(r" (?=[,.!?])", ""),
    lambda text, options: _RUN.sub(_strongest, text),
    sub(r"(?<=[,.!?])(?=[^\s,.!?])", " "),
    sub(r" {2,999}", " "),
    _ended,
)
