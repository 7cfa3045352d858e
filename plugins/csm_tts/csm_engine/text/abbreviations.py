"""Shortened words → whole ones: titles, streets, "e.g.", initials with stops."""

import re

from csm_engine.text.lexicon import ABBREVIATIONS, LETTERED, PLACES, READINGS, TITLES
from csm_engine.text.options import Options, alone
from csm_engine.text.rule import any_of, chain, sub

_ENDS_SENTENCE = r"(?=\s{0,9}$|\s{1,9}[A-Z])"
_READINGS = re.compile(alone(*READINGS))


def overridden(text: str, options: Options) -> str:
    """The deployment's words, each occurrence once."""
    if not options.words:
        return text
    return re.sub(alone(*options.words), lambda match: options.words[match[0]], text)


def readings(text: str, options: Options) -> str:
    """The lexicon's, unless the deployment reads the word in its own way."""
    return _READINGS.sub(
        lambda match: match[0] if match[0] in options.words else READINGS[match[0]], text
    )


def _initials(match: re.Match[str]) -> str:
    return f"{' '.join(match[0].replace('.', '')).upper()} "


def _initials_at_end(match: re.Match[str]) -> str:
    return f"{' '.join(match[0].replace('.', '')).upper()}. "


_DIRECTIONS = {"N": "North", "S": "South", "E": "East", "W": "West"}
_ROADS = "St|Street|Ave|Avenue|Blvd|Rd|Road|Dr|Ln|Lane|Hwy"
_LETTERS = r"(?<![\w.])(?<!\d )(?:[A-Za-z]\.){2,6}(?!\w)"

_lettered = chain(
    sub(
        rf"(?i)(?<![\w.])(?:{any_of(LETTERED)}),?(?!\w)",
        lambda match: LETTERED[match[0].lower().rstrip(",")] + " ",
    ),
    sub(rf"{_LETTERS}{_ENDS_SENTENCE}", _initials_at_end),
    sub(_LETTERS, _initials),
    sub(r"(?<!\w)(?:No|Nos)\.\s{0,3}(?=\d)", "number "),
    sub(r"(?<![\w#])#\s?(?=[A-Z]{0,4}\d)", "number "),
)
_names = chain(
    sub(
        rf"(?<!\w)([NSEW])\.?\s(?=(?:\d{{1,3}}[a-z]{{2}}|[A-Z]\w{{1,20}})\s(?:{_ROADS})(?!\w))",
        lambda match: _DIRECTIONS[match[1]] + " ",
    ),
    sub(
        r"((?:[a-z]|\d|,)\s(?:[A-Z][\w']{1,20}\s){1,3})(Dr|St)\.(?=\s{0,9}$|\s{1,9}[A-Z])",
        lambda match: f"{match[1]}{PLACES[match[2]]}.",
    ),
    sub(rf"(?<!\w)({any_of(TITLES)})\.(?=\s{{1,3}}[A-Z])", lambda match: TITLES[match[1]]),
    sub(r"(?<!\w)(Mr|Mrs|Dr|Prof)(?=\s[A-Z][a-z])", lambda match: TITLES[match[1]]),
    sub(
        rf"(?<=[\w,] )({any_of(PLACES)})\.(?=\s{{0,9}}$|\s{{1,9}}(?![NS][EW]\b)[A-Z])",
        lambda match: PLACES[match[1]] + ".",
    ),
    sub(rf"(?<=[\w,] )({any_of(PLACES)})(?:\.|(?=,))", lambda match: PLACES[match[1]]),
    sub(r"(?<!\w)(Mr|Mrs|Ms|Dr|Prof|St|Mt|Ft)\.(?=\s)", lambda match: TITLES[match[1]]),
)
_words = chain(
    sub(rf"(?i)(?<![\w.])(etc)\.{_ENDS_SENTENCE}", "et cetera. "),
    sub(
        rf"(?<![\w.])(?<!\d )({any_of(ABBREVIATIONS)})\.(?=[\s,:;)]|$)",
        lambda match: ABBREVIATIONS[match[1]],
    ),
    sub(
        rf"(?<![\w.])({any_of([word.capitalize() for word in ABBREVIATIONS])})\.(?=\s{{0,3}}[\d:])",
        lambda match: ABBREVIATIONS[match[1].lower()].capitalize(),
    ),
    sub(r"(?<!\w)vs(?!\w)\.?", "versus"),
    sub(r"(?<!\w)[Ee]xt\s(?=\d)", "extension "),
)
expand = chain(_lettered, _names, _words)
