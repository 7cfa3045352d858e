"""Numbers → English words, in American use. Pure arithmetic, no text is searched here."""

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = [
    "zero",
    "ten",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
]
_SCALES = ("", "thousand", "million", "billion", "trillion")
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_MOST_DIGITS = 3 * len(_SCALES)
_TEN = 10
_LONGEST_GROUP = 5
"""Digits said in one breath."""
_TWO_FOURS = 8
_DENOMINATORS = {2: "half", 4: "quarter"}


def digits(written: str) -> str:
    """Digit by digit, other characters left out: "0199" → "zero one nine nine"."""
    return " ".join(_SMALL[int(digit)] for digit in written if digit.isdigit())


def cardinal(written: str) -> str:
    """A whole number, commas allowed. Digit by digit with a leading zero or past the trillions."""
    plain = written.replace(",", "")
    if len(plain) > _MOST_DIGITS or (len(plain) > 1 and plain[0] == "0"):
        return digit_groups(plain)
    return _spoken(int(plain))


def ordinal(written: str) -> str:
    """ "21" → "twenty-first". Past the trillions it is read as a cardinal."""
    words = cardinal(written)
    head, hyphen, last = words.rpartition("-")
    if not hyphen:
        head, hyphen, last = words.rpartition(" ")
    return head + hyphen + _ordinal_word(last)


def decimal(written: str) -> str:
    """ "1,200.50" → "one thousand two hundred point five zero"; ".5" has a zero before it."""
    whole, point, fraction = written.partition(".")
    said = cardinal(whole or "0")
    return f"{said} point {digits(fraction)}" if point and fraction else said


def year(written: str) -> str:
    """Four digits in pairs: 1998, 1905, 2026; the first ten of a millennium as a cardinal."""
    number = int(written)
    high, low = divmod(number, 100)
    if high % 10 == 0 and low < _TEN:
        return _spoken(number)
    if low == 0:
        return f"{_spoken(high)} hundred"
    return f"{_spoken(high)} {oh(low)}"


def oh(number: int) -> str:
    """Two digits after a year's or an hour's: 5 → "oh five"."""
    return f"oh {_SMALL[number]}" if number < _TEN else _spoken(number)


def fraction(numerator: str, denominator: str) -> str:
    """ "3", "4" → "three quarters"."""
    bottom = _DENOMINATORS.get(int(denominator)) or ordinal(denominator)
    if int(numerator) == 1:
        return f"one {bottom}"
    return f"{cardinal(numerator)} {'halves' if bottom == 'half' else bottom + 's'}"


def plural(words: str) -> str:
    """A decade's name: "ninety" → "nineties", "nineteen hundred" → "nineteen hundreds"."""
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def digit_groups(written: str) -> str:
    """Digits with a pause where a speaker makes one: threes, and four at the end."""
    return ", ".join(digits(group) for group in _grouped(written))


def _grouped(written: str) -> list[str]:
    if len(written) <= _LONGEST_GROUP:
        return [written]
    if len(written) == _TWO_FOURS:
        return [written[:4], written[4:]]
    last = 4 if len(written) % 3 != 0 else 3
    head = written[:-last]
    first = len(head) % 3
    groups = [head[:first]] if first else []
    groups += [head[at : at + 3] for at in range(first, len(head), 3)]
    return [*groups, written[-last:]]


def _spoken(number: int) -> str:
    if number == 0:
        return _SMALL[0]
    parts: list[str] = []
    for scale in _SCALES:
        number, below = divmod(number, 1000)
        if below:
            parts.append(f"{_below_thousand(below)} {scale}".strip())
    return " ".join(reversed(parts))


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    parts = [f"{_SMALL[hundreds]} hundred"] if hundreds else []
    if rest:
        parts.append(_below_hundred(rest))
    return " ".join(parts)


def _below_hundred(number: int) -> str:
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]}-{_SMALL[ones]}" if ones else _TENS[tens]


def _ordinal_word(word: str) -> str:
    if word in _ORDINALS:
        return _ORDINALS[word]
    return word[:-1] + "ieth" if word.endswith("y") else word + "th"
