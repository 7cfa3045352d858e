"""Digits and spelled letters, which callers rightly repeat: "five five five five", "5 5 5", "double o"."""

import re
from collections.abc import Iterable, Mapping

_NUMERALS = {
    "en": """zero oh nought naught one two three four five six seven eight nine ten eleven twelve
        thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty
        seventy eighty ninety hundred thousand""",
    "es": """cero un uno una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce
        quince dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintiún veintidós veintitrés
        veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve treinta cuarenta
        cincuenta sesenta setenta ochenta noventa cien ciento mil""",
    "de": """null ein eins zwei zwo drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn
        vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig dreissig vierzig fünfzig sechzig
        siebzig achtzig neunzig hundert einhundert tausend eintausend""",
    "fr": """zéro un une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze
        quinze seize vingt vingts trente quarante cinquante soixante septante huitante octante nonante
        cent cents mille""",
    "zh": "两 幺",
}

# They stand between numerals and are none themselves.
_LINKS = {
    "en": "and double triple treble dash point plus",
    "es": "y doble triple guion guión punto más",
    "de": "und doppel zweimal dreimal strich punkt komma plus",
    "fr": "et double triple tiret point virgule plus",
}


def _sets(words: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return {language: frozenset(listed.split()) for language, listed in words.items()}


_NONE: frozenset[str] = frozenset()
_IS_NUMERAL = _sets(_NUMERALS)
_IS_LINK = _sets(_LINKS)

_PART = re.compile(r"[^\W_]+")
_LETTER = re.compile("[a-zß-öø-\u024f\u0370-\u04ff]")
_GERMAN_COMPOUND = re.compile(
    "(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und"
    "(?:zwanzig|dreissig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig)"
)


def spelled_units(pieces: Iterable[str], language: str) -> int | None:
    """How many digits, numerals and letters the pieces are; None when other words are among them."""
    parts = [part for piece in pieces for part in _PART.findall(piece.casefold())]
    links = _IS_LINK.get(language, _NONE)
    units = [0 if part in links else _units(part, language) for part in parts]
    if any(unit == 0 and part not in links for unit, part in zip(units, parts, strict=True)):
        return None
    return sum(units) or None


def _units(part: str, language: str) -> int:
    if part.isnumeric():
        return len(part)
    if _LETTER.fullmatch(part) or part in _IS_NUMERAL.get(language, _NONE):
        return 1
    return int(language == "de" and _GERMAN_COMPOUND.fullmatch(part) is not None)
