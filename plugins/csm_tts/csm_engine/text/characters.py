"""Any Unicode string → letters, ASCII digits and the signs that later rules know."""

import re
import unicodedata

from csm_engine.text.options import Options

_KEPT = frozenset("\n !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~£€¥¢₹°—")
_BEFORE = str.maketrans(
    {"²": "^2", "³": "^3", "\u00b4": "'", "№": "#", "\r": "\n", **dict.fromkeys("™®©℠", "")}
)
"""What compatibility decomposition would make unreadable."""
_AFTER = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u2032\uff07", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
        **dict.fromkeys("\u2028\u2029\x85\x0b\x0c", "\n"),
        **dict.fromkeys("\u2010\u2011\u2012\u2212", "-"),
        **dict.fromkeys("\u2014\u2015", "—"),
        **dict.fromkeys("\u3001\uff0c\u060c", ","),
        **dict.fromkeys("\u3002", "."),
        **dict.fromkeys("•◦▪‣●", "-"),
        "\u2044": "/",
        "\u2215": "/",
        "\u00d7": " x ",
        "÷": " divided by ",
        "±": " plus or minus ",
        "≈": "~",
        "≤": " at most ",
        "≥": " at least ",
        "→": " to ",
        "¿": "",
        "¡": "",
    }
)
_EMOJI = re.compile(r"[\u2000-\u33ff\U0001f000-\U0001faff]\ufe0f")
_VULGAR_FRACTION = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞])")
_TIGHT_DASH = re.compile(r"(?<=\w)\u2013(?=\w)")
_VARIATION = re.compile(r"[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def clean(text: str, options: Options) -> str:
    """Compatibility forms made plain, quotes straightened; emoji and control characters dropped.

    Letters of every script stay: `readable` says whether they can be read.
    """
    text = _EMOJI.sub(" ", text)
    text = _VULGAR_FRACTION.sub(" ", text).replace("\r\n", "\n").translate(_BEFORE)
    text = _VARIATION.sub("", unicodedata.normalize("NFKC", text)).translate(_AFTER)
    text = _TIGHT_DASH.sub("-", text).replace("\u2013", "—")
    kept: list[str] = []
    for character in text:
        kept.append(_kept(character, kept[-1] if kept else " "))
    return unicodedata.normalize("NFC", "".join(kept))


def _kept(character: str, before: str) -> str:
    if character in _KEPT or (character.isascii() and character.isalnum()):
        return character
    category = unicodedata.category(character)
    if category[0] == "L":
        return character
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category in {"Mn", "Mc"} and unicodedata.category(before or " ")[0] in "LM":
        return character
    return "" if category == "Cf" else " "
