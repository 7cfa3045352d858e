"""Markdown → its text. What a reader sees as a line of its own is a sentence of its own."""

import re

from csm_engine.text.options import Options
from csm_engine.text.rule import Rule, chain, sub

_FENCE = r"(?m)^[ ]{0,3}(?:`{3,9}|~{3,9})[^\n]{0,80}$"
_LINK = r"!?\[([^\[\]\n]{0,300})\]\([^()\s]{0,500}(?:\s\"[^\"\n]{0,200}\")?\)"
_REFERENCE = r"!?\[([^\[\]\n]{1,300})\]\[[^\[\]\n]{0,80}\]"
_RULE = r"(?m)^[ ]{0,3}(?:[-*_=][ ]{0,3}){3,80}$"
_TABLE_RULE = r"(?m)^(?=[^\n]*\|)[ |:-]{3,300}$"
_HTML = r"</?[A-Za-z][^<>\n]{0,200}>"
_AUTOLINK = r"<((?:https?://|mailto:)?[^\s<>]{1,300}[.@][^\s<>]{1,300})>"
_EMOTICON = r"(?<!\S)(?:[:;=][-']?[()DPp|]|<3)(?!\w)"
_OWN_LINE = re.compile(r"[ ]{0,12}(?:#{1,6}[ ]|[-*+][ ]|\d{1,2}[.)][ ])")
_MARKER = re.compile(r"[ ]{0,12}(?:>[ ]?){0,4}(?:#{1,6}[ ]|[-*+][ ](?:\[[ xX]\][ ])?)?")
_NUMBERED = re.compile(r"[ ]{0,12}(\d{1,2})[.)][ ]")
_ENDS = (".", "!", "?", ":", ",", ";", "—")

_spans: Rule = chain(
    sub(_EMOTICON, " "),
    sub(_FENCE, ""),
    sub(_AUTOLINK, r" \1 "),
    sub(_LINK, r"\1"),
    sub(_REFERENCE, r"\1"),
    sub(_TABLE_RULE, ""),
    sub(_RULE, ""),
    sub(_HTML, " "),
    sub(r"\*{2,3}|_{2,3}|~~|`", ""),
    sub(r"(?<![\w*])[*_](?=[^\s*_])|(?<=[^\s*_])[*_](?![\w*])", ""),
)


def strip(text: str, options: Options) -> str:
    """Emphasis, headings, lists, tables, fences and HTML dropped; links keep their text."""
    lines = _spans(text, options).split("\n")
    said: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        apart = _OWN_LINE.match(line) or _OWN_LINE.match(following) or not following.strip()
        said.append(_line(line, ended=bool(apart)))
    return " ".join(said)


def _line(line: str, *, ended: bool) -> str:
    if numbered := _NUMBERED.match(line):
        line = f"{numbered[1]}, {line[numbered.end() :]}"
    else:
        line = _MARKER.sub("", line, count=1)
    line = line.strip()
    return f"{line}." if line and ended and not line.endswith(_ENDS) else line
