"""A rule rewrites what it knows in a text and leaves the rest. Repeats in patterns are bounded or
anchored: a long text costs in proportion to its length."""

import re
from collections.abc import Callable, Iterable

from csm_engine.text.options import Options

Rule = Callable[[str, Options], str]
Say = str | Callable[[re.Match[str]], str]

LETTER = r"[^\W\d_]"


def sub(pattern: str, say: Say, flags: int = 0) -> Rule:
    """Each match → what is said for it: a template, or a function of the match."""
    compiled = re.compile(pattern, flags)

    def rule(text: str, options: Options) -> str:
        return compiled.sub(say, text)

    return rule


def chain(*rules: Rule) -> Rule:
    def rule(text: str, options: Options) -> str:
        for one in rules:
            text = one(text, options)
        return text

    return rule


def any_of(words: Iterable[str]) -> str:
    """An alternation of literal words, longest first so that none hides another."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
