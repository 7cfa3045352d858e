"""Digits as they are spoken, a lexicon a language. Pure."""

import re

DIGITS: dict[str, dict[str, str]] = {
    "en": {
        "zero": "0", "oh": "0", "nought": "0", "one": "1", "two": "2", "three": "3", "four": "4",
        "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "niner": "9",
    },
    "de": {
        "null": "0", "eins": "1", "ein": "1", "zwei": "2", "zwo": "2", "drei": "3", "vier": "4",
        "fünf": "5", "sechs": "6", "sieben": "7", "acht": "8", "neun": "9",
    },
    "es": {
        "cero": "0", "uno": "1", "una": "1", "dos": "2", "tres": "3", "cuatro": "4", "cinco": "5",
        "seis": "6", "siete": "7", "ocho": "8", "nueve": "9",
    },
    "fr": {
        "zéro": "0", "un": "1", "une": "1", "deux": "2", "trois": "3", "quatre": "4", "cinq": "5",
        "six": "6", "sept": "7", "huit": "8", "neuf": "9",
    },
}  # fmt: skip

TIMES: dict[str, dict[str, int]] = {
    "en": {"double": 2, "triple": 3},
    "de": {"doppel": 2, "zweimal": 2, "dreimal": 3},
    "es": {"doble": 2, "triple": 3},
    "fr": {"double": 2, "triple": 3},
}

WORD = re.compile(r"\d+|[^\W\d_]+")


def digits_in(text: str, language: str) -> str:
    """Figures in any language, digit words in those above; "double five" is 55."""
    words = DIGITS.get(language, {})
    times = TIMES.get(language, {})
    found, repeat = "", 1
    for word in WORD.findall(text.lower()):
        digits = word if word.isdecimal() else words.get(word, "")
        found += digits[:1] * (repeat - 1) + digits
        repeat = times.get(word, 1)
    return "".join(str(int(digit)) for digit in found)


def are_an_answer(text: str, digits: str) -> bool:
    """Whether they are what the text is about: "one moment, please" is no answer."""
    return 2 * len(digits) >= len(WORD.findall(text))
